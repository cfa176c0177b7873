use std::collections::BTreeMap;

use crate::DialectError;

/// The subjects of a topic, as the registry names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSubjects {
    /// `<topic>-key`, perhaps with a prefix; without one the records have no Avro key.
    pub key: Option<String>,
    /// `<topic>-value`, with the same prefix.
    pub value: String,
}

/// Finds the subjects of a topic among all subjects of a registry.
///
/// A producer for Confluent Cloud may name its subjects in a schema context, `:.flink-dev:<topic>-value`; a registry
/// without contexts takes that for a name like any other. Plain names win. `None` when the topic has no value subject.
///
/// # Errors
/// No plain name, and several prefixes: nobody can say which one the records are written with.
pub fn find_subjects<'a>(
    topic: &str,
    subjects: impl IntoIterator<Item = &'a str>,
) -> Result<Option<TopicSubjects>, DialectError> {
    let (mut keys, mut values) = (BTreeMap::new(), BTreeMap::new());
    for subject in subjects {
        let (prefix, name) = split_prefix(subject);
        match name.strip_prefix(topic) {
            Some("-key") => keys.insert(prefix, subject),
            Some("-value") => values.insert(prefix, subject),
            _ => None,
        };
    }
    let prefix = match values.keys().copied().collect::<Vec<_>>().as_slice() {
        [] => return Ok(None),
        // Nothing sorts before the empty prefix.
        ["", ..] => "",
        [only] => only,
        several => {
            return Err(DialectError::invalid(format!(
                "Topic {topic} has a schema under each of the prefixes {}. Keep one, or register the schema as {topic}-value.",
                several.join(", ")
            )));
        }
    };
    Ok(values.get(prefix).map(|value| TopicSubjects {
        key: keys.get(prefix).map(|key| (*key).to_owned()),
        value: (*value).to_owned(),
    }))
}

/// `:.flink-dev:name` is `name` with the prefix `:.flink-dev:`.
fn split_prefix(subject: &str) -> (&str, &str) {
    let end = subject
        .strip_prefix(":.")
        .and_then(|rest| rest.find(':'))
        .map_or(0, |at| ":.".len() + at + 1);
    subject.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(subjects: &[&str]) -> Result<Option<(Option<String>, String)>, String> {
        find_subjects("t", subjects.iter().copied())
            .map(|found| found.map(|found| (found.key, found.value)))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn plain_names_win_and_one_prefix_will_do() {
        let pair =
            |key: Option<&str>, value: &str| Ok(Some((key.map(str::to_owned), value.to_owned())));
        for (subjects, expected) in [
            (
                vec!["t-key", "t-value", "u-value"],
                pair(Some("t-key"), "t-value"),
            ),
            (
                vec![":.flink-dev:t-key", ":.flink-dev:t-value", "other-t-value"],
                pair(Some(":.flink-dev:t-key"), ":.flink-dev:t-value"),
            ),
            (
                vec!["t-value", ":.a:t-value", ":.a:t-key"],
                pair(None, "t-value"),
            ),
            (vec!["t-key", ":.a:t-value"], pair(None, ":.a:t-value")),
            (
                vec!["t-key", "t-value-2", "-value", ":.t-value", ":t-value"],
                Ok(None),
            ),
        ] {
            assert_eq!(found(&subjects), expected, "{subjects:?}");
        }
        let error = found(&[":.a:t-value", ":.b:t-value"]).unwrap_err();
        assert!(error.contains("prefixes :.a:, :.b:"), "{error}");
    }
}
