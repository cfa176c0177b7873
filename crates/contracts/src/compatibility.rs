//! May a schema replace its predecessor? Used by tests before a schema file changes.

use apache_avro::{Schema, schema_compatibility::SchemaCompatibility};

/// Backward compatibility: can a reader with `new` read what was written with `old`?
/// The error says which field or type stands in the way.
pub fn can_replace(old: &Schema, new: &Schema) -> Result<(), String> {
    SchemaCompatibility::can_read(old, new)
        .map(drop)
        .map_err(|cause| cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject;

    /// `None`: may replace the schema of raw readings. Else: what stands in the way mentions this.
    fn check(change: impl Fn(&str) -> String, obstacle: Option<&str>) {
        let old = subject::RAW_METRICS_VALUE.schema();
        let text = change(subject::RAW_METRICS_VALUE.text);
        assert_ne!(
            text,
            subject::RAW_METRICS_VALUE.text,
            "the change changes something"
        );
        let new = Schema::parse_str(&text).unwrap();
        match (can_replace(old, &new), obstacle) {
            (Ok(()), None) => {}
            (Err(reason), Some(obstacle)) => assert!(reason.contains(obstacle), "{reason}"),
            (result, _) => panic!("{result:?} for {text}"),
        }
    }

    #[test]
    fn tells_safe_changes_from_breaking_ones() {
        let with_field = |field: &'static str| {
            move |text: &str| text.replacen("\"fields\": [", &format!("\"fields\": [{field},"), 1)
        };
        check(
            with_field(r#"{"name": "unit", "type": ["null", "string"], "default": null}"#),
            None,
        );
        check(
            with_field(r#"{"name": "unit", "type": "string"}"#),
            Some("unit"),
        );
        check(
            |text| {
                text.replace(
                    r#""name": "metric_value", "type": "double""#,
                    r#""name": "metric_value", "type": "long""#,
                )
            },
            Some("metric_value"),
        );
        // A reader does without a field it does not know.
        check(
            |text| text.replace(r#"{ "name": "metric_name", "type": "string" },"#, ""),
            None,
        );
    }

    #[test]
    fn every_schema_can_replace_itself() {
        for subject in subject::ALL {
            can_replace(subject.schema(), subject.schema()).unwrap();
        }
    }
}
