//! Why a job fails, from what Flink's JobManager tells of its last exception.
//!
//! The words of an exception can quote a record, so that none is passed on: known ones are said again in words of our own,
//! and of the others the name of the class is left. See [`redact`].

use serde_json::Value;

use super::redact;

/// The last failure of a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The JobManager's clock, epoch milliseconds.
    pub(super) at: i64,
    /// Class names, outermost first.
    pub(super) exceptions: Vec<String>,
    /// A sentence without its full stop.
    pub(super) cause: String,
    /// The topic with a record that the job could not read.
    pub(super) unread: Option<String>,
}

/// How Flink's Kafka source says that a record could not be read, whatever the reason.
const UNREAD: &str = "Failed to deserialize consumer record";
/// What a source's task is called, before the name of its table, which is the topic's.
const SOURCE: &str = "Source: ";

/// Words of Flink's formats that hold nothing of the record, and what they mean.
const REASONS: [(&str, &str); 6] = [
    (
        "Unknown data format. Magic number does not match",
        "it is not in Confluent's wire format, a zero byte and a schema id before the data",
    ),
    ("java.io.EOFException", "its data ends too early"),
    (
        "Could not find schema with id",
        "the registry does not have its schema",
    ),
    (
        "Invalid null value received in non-upsert mode",
        "it has no value, which means something in a compacted topic only",
    ),
    (
        "org.apache.avro.AvroTypeException",
        "its schema does not fit the table's",
    ),
    (
        "java.net.ConnectException",
        "the schema registry does not answer",
    ),
];

/// Losses that say nothing about the statement.
const LOSSES: [(&str, &str); 4] = [
    ("Heartbeat of TaskManager", "Its TaskManager was lost"),
    ("RemoteTransportException", "Its TaskManager was lost"),
    ("TaskExecutor", "Its TaskManager was lost"),
    (
        "NoResourceAvailableException",
        "There is no TaskManager with a free slot",
    ),
];

/// The answer to `/jobs/ID/exceptions?maxExceptions=1`; `None` when the job never failed.
pub(super) fn last(answer: &Value) -> Option<Failure> {
    let entry = answer.pointer("/exceptionHistory/entries/0")?;
    let trace = entry["stacktrace"].as_str()?;
    let exceptions = redact::exceptions(trace);
    let topic = entry["taskName"].as_str().and_then(topic);
    let is_unread = trace.contains(UNREAD);
    let cause = if is_unread {
        let of = topic.map_or_else(String::new, |topic| format!(" of {topic}"));
        let unknown = "its data is not understood";
        let reason = meaning(&REASONS, trace, &exceptions, " at its data", unknown);
        format!("It cannot read a record{of}: {reason}")
    } else {
        let unknown = "Flink does not say why";
        meaning(&LOSSES, trace, &exceptions, "", unknown)
    };
    Some(Failure {
        at: entry["timestamp"].as_i64()?,
        exceptions,
        cause,
        unread: topic.filter(|_| is_unread).map(str::to_owned),
    })
}

/// The table in `Source: table[1] -> Calc[2] (1/1)#3`; only what can be the name of a topic.
fn topic(task: &str) -> Option<&str> {
    let (name, _) = task.strip_prefix(SOURCE)?.split_once('[')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (!name.is_empty() && name.chars().all(is_name)).then_some(name)
}

/// What the first known words of the trace mean; otherwise the deepest class, `thrown` where.
fn meaning(
    known: &[(&str, &str)],
    trace: &str,
    exceptions: &[String],
    thrown: &str,
    unknown: &str,
) -> String {
    let known = known.iter().find(|(words, _)| trace.contains(words));
    match (known, exceptions.last()) {
        (Some((_, meaning)), _) => (*meaning).to_owned(),
        (None, Some(class)) => format!("{} was thrown{thrown}", simple(class)),
        (None, None) => unknown.to_owned(),
    }
}

fn simple(class: &str) -> &str {
    class.rsplit(['.', '$']).next().unwrap_or(class)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(task: &str, trace: &str) -> Failure {
        let entry = json!({"taskName": task, "timestamp": 7, "stacktrace": trace});
        last(&json!({"exceptionHistory": {"entries": [entry]}})).unwrap()
    }

    #[test]
    fn a_record_that_cannot_be_read_is_told_with_its_topic() {
        let unread = |deepest: &str| {
            let trace = format!(
                "java.lang.RuntimeException: One or more fetchers have encountered exception
\tat a.B.c(B.java:1)
Caused by: java.io.IOException: Failed to deserialize consumer record due to
\tat a.B.c(B.java:1)
Caused by: {deepest}
\tat a.B.c(B.java:1)"
            );
            of(
                "Source: healthcare.public.devices[1] -> Calc[2] (1/1)#3",
                &trace,
            )
        };
        let magic = unread("java.io.IOException: Unknown data format. Magic number does not match");
        assert_eq!(
            magic.cause,
            "It cannot read a record of healthcare.public.devices: it is not in Confluent's wire format, a zero byte and \
             a schema id before the data"
        );
        assert_eq!(magic.unread.as_deref(), Some("healthcare.public.devices"));
        assert_eq!(magic.at, 7);
        let other = unread("java.lang.NumberFormatException: For input string: \"Marker\"");
        assert_eq!(
            other.cause,
            "It cannot read a record of healthcare.public.devices: NumberFormatException was thrown at its data"
        );
        assert!(!format!("{other:?}").contains("Marker"));
    }

    #[test]
    fn other_failures_are_known_ones_or_class_names() {
        let lost = "java.util.concurrent.TimeoutException: Heartbeat of TaskManager with id taskmanager timed out.";
        assert_eq!(of("Join[3]", lost).cause, "Its TaskManager was lost");
        let other = of("Join[3]", "java.lang.ArithmeticException: Marker / 0");
        assert_eq!(other.cause, "ArithmeticException was thrown");
        assert_eq!(other.unread, None);
        assert_eq!(last(&json!({"exceptionHistory": {"entries": []}})), None);
    }

    #[test]
    fn a_name_that_cannot_be_a_topic_is_not_shown() {
        assert_eq!(topic("Source: hc_raw[1] -> x"), Some("hc_raw"));
        for task in [
            "hc_raw[1]",
            "Source: a b[1]",
            "Source: [1]",
            "Source: hc_raw",
        ] {
            assert_eq!(topic(task), None, "{task}");
        }
    }
}
