//! What may be shown of a Java stack trace.
//!
//! Connect's task traces and Flink's exceptions quote what they stumbled over: a statement with its values, the bytes of a
//! record, a cell that is no number. These are patients' data, so that of a trace only the class names of the exceptions
//! are shown, outermost first, and never a message. The whole trace is in the log of the server that threw it.

/// The most class names that are shown of a trace.
const MOST: usize = 12;

/// The classes of the exceptions in the chain of causes, each one that repeats its predecessor left out.
pub(super) fn exceptions(trace: &str) -> Vec<String> {
    let mut classes: Vec<String> = Vec::new();
    for (index, line) in trace.lines().enumerate() {
        let head = match line.trim_start().strip_prefix("Caused by: ") {
            Some(head) => head,
            None if index == 0 => line,
            None => continue,
        };
        let class = head.split(':').next().unwrap_or_default().trim();
        if is_exception(class) && classes.last().is_none_or(|last| last != class) {
            classes.push(class.to_owned());
        }
    }
    classes.truncate(MOST);
    classes
}

/// A qualified Java class whose name says that it is thrown; a message that looks like a cause does not pass.
fn is_exception(class: &str) -> bool {
    let name = class.rsplit(['.', '$']).next().unwrap_or_default();
    class.contains('.')
        && class.split('.').all(|part| {
            part.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$'))
        })
        && name.starts_with(|first: char| first.is_ascii_uppercase())
        && ["Exception", "Error", "Throwable"]
            .iter()
            .any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_class_names_are_left_of_a_trace() {
        let trace = "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to Marker Name
Caused by: Marker Name
\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliver(WorkerSinkTask.java:636)
\tSuppressed: java.io.IOException: Marker Name
Caused by: org.apache.kafka.connect.errors.ConnectException: again
Caused by: java.sql.BatchUpdateException: Batch entry 0 INSERT INTO x VALUES ('Marker Name') was aborted
Caused by: marker.name.Marker
Caused by: org.hibernate.exception.Outer$InnerException
\t... 10 more
Caused by: org.postgresql.util.PSQLException: ERROR: new row violates check \"Marker Name\"";
        assert_eq!(
            exceptions(trace),
            [
                "org.apache.kafka.connect.errors.ConnectException",
                "java.sql.BatchUpdateException",
                "org.hibernate.exception.Outer$InnerException",
                "org.postgresql.util.PSQLException",
            ]
        );
        assert!(exceptions("Marker Name").is_empty());
        assert!(exceptions("").is_empty());
    }
}
