//! What serde says about a value, as a sentence for the person who sent it, and where in the value it is.

use hc_domain::Invalid;
use serde_path_to_error::Segment;

type Error = serde_path_to_error::Error<serde_json::Error>;

/// RFC 6901.
pub(super) fn pointer<'a>(segments: impl IntoIterator<Item = &'a str>) -> String {
    segments
        .into_iter()
        .map(|segment| format!("/{}", segment.replace('~', "~0").replace('/', "~1")))
        .collect()
}

/// Where serde stopped, and why.
pub(super) fn located(error: &Error) -> Invalid {
    let at = pointer(segments(error).iter().map(String::as_str));
    let said = error.inner().to_string();
    // Serde reports a missing field at the object that lacks it.
    match between(&said, "missing field `", "`") {
        Some(field) => Invalid::at(at + &pointer([field]), "is required"),
        None => Invalid::at(at, sentence(&said)),
    }
}

/// The parameter that serde stopped at, and why.
pub(super) fn parameter(error: &Error) -> (String, String) {
    let said = error.inner().to_string();
    if let Some((name, known)) = said
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once("`, expected "))
    {
        let known = known.replace('`', "");
        let known = known.trim_start_matches("one of ").split(", ");
        // One spelling of each; the other, in snake_case, is for clients that have it already.
        let known: Vec<_> = known.filter(|name| !name.contains('_')).collect();
        let known = known.join(", ");
        return (
            name.to_owned(),
            format!("is not known here; the parameters are {known}"),
        );
    }
    match between(&said, "missing field `", "`") {
        Some(field) => (field.to_owned(), "is required".to_owned()),
        None => (segments(error).join("."), sentence(&said)),
    }
}

fn segments(error: &Error) -> Vec<String> {
    error
        .path()
        .iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Map { key } => Some(key.clone()),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.strip_prefix(before)?.strip_suffix(after)
}

/// "invalid type: string \"a\", expected i64" becomes "must be a whole number". What the service's own types say
/// is a sentence already.
fn sentence(said: &str) -> String {
    let Some((found, expected)) = said.rsplit_once(", expected ") else {
        return said.to_owned();
    };
    let kind = match expected {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => {
            if found.starts_with("invalid value: integer") {
                return "is too large or too small a number".to_owned();
            }
            "a whole number"
        }
        "f32" | "f64" => "a number",
        "a string" | "string" | "str" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "an array",
        "a map" => "an object",
        structure if structure.starts_with("struct ") => "an object",
        values if found.starts_with("unknown variant") => {
            return format!("must be {}", values.replace('`', ""));
        }
        _ => return said.to_owned(),
    };
    format!("must be {kind}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Choice {
        Some,
        Other,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only reading it matters")]
    struct Sample {
        whole: Option<i32>,
        number: Option<f64>,
        text: Option<String>,
        flag: Option<bool>,
        list: Option<Vec<Sample>>,
        choice: Option<Choice>,
        sure: i64,
    }

    #[test]
    fn sentences_for_people() {
        let check = |value: Value, expected: (&str, &str)| {
            let error = serde_path_to_error::deserialize::<_, Sample>(value).unwrap_err();
            let invalid = located(&error);
            let error = &invalid.errors()[0];
            assert_eq!((error.pointer.as_str(), error.detail.as_str()), expected);
        };
        check(json!({"whole": "x"}), ("/whole", "must be a whole number"));
        check(json!({"whole": 1.5}), ("/whole", "must be a whole number"));
        check(
            json!({"whole": 1_u64 << 40}),
            ("/whole", "is too large or too small a number"),
        );
        check(
            json!({"number": "x, expected y"}),
            ("/number", "must be a number"),
        );
        check(json!({"text": 1}), ("/text", "must be a text"));
        check(json!({"flag": "yes"}), ("/flag", "must be true or false"));
        check(json!({"list": {}}), ("/list", "must be an array"));
        check(json!({"list": [1]}), ("/list/0", "must be an object"));
        check(json!({"choice": "x"}), ("/choice", "must be some or other"));
        check(json!({"list": [{}]}), ("/list/0/sure", "is required"));
    }
}
