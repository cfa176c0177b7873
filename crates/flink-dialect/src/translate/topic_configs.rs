use crate::{DialectError, units};

use super::options::one_of;

/// The topic's configuration that an option stands for.
pub(super) fn topic_config(
    key: &str,
    value: &str,
) -> Result<Option<(&'static str, String)>, DialectError> {
    // Zero is "for ever" in the dialect and -1 is in Kafka.
    let or_unlimited = |number: u64| {
        if number == 0 {
            "-1".to_owned()
        } else {
            number.to_string()
        }
    };
    let option = format!("The option '{key}'");
    Ok(Some(match key {
        "kafka.cleanup-policy" => {
            let policies = [
                ("delete", "delete"),
                ("compact", "compact"),
                ("delete-compact", "compact,delete"),
            ];
            ("cleanup.policy", one_of(key, value, &policies)?.to_owned())
        }
        "kafka.retention.time" => (
            "retention.ms",
            or_unlimited(units::milliseconds(&option, value)?),
        ),
        "kafka.retention.size" => (
            "retention.bytes",
            or_unlimited(units::bytes(&option, value)?),
        ),
        "kafka.compaction.time" => match units::milliseconds(&option, value)? {
            0 => ("max.compaction.lag.ms", i64::MAX.to_string()),
            time => ("max.compaction.lag.ms", time.to_string()),
        },
        "kafka.max-message-size" => (
            "max.message.bytes",
            units::bytes(&option, value)?.to_string(),
        ),
        "kafka.message-timestamp-type" => {
            let types = [
                ("create-time", "CreateTime"),
                ("log-append-time", "LogAppendTime"),
            ];
            (
                "message.timestamp.type",
                one_of(key, value, &types)?.to_owned(),
            )
        }
        _ => return Ok(None),
    }))
}
