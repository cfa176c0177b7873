//! Names that come from outside and end in paths: statements, tables, jobs.

/// Longest statement name, in characters.
const STATEMENT_NAME_MAX: usize = 100;
/// Longest Kafka topic name, in characters.
const TOPIC_NAME_MAX: usize = 249;

/// True for `^[a-z0-9]([-a-z0-9]{0,98}[a-z0-9])?$`, the names the statements API accepts.
pub fn is_statement_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let alphanumeric = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    bytes.len() <= STATEMENT_NAME_MAX
        && bytes.first().is_some_and(alphanumeric)
        && bytes.last().is_some_and(alphanumeric)
        && bytes.iter().all(|byte| alphanumeric(byte) || *byte == b'-')
}

/// True for a name that Kafka accepts for a topic, which is also safe as a file name.
pub fn is_table_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= TOPIC_NAME_MAX
        && name != "."
        && name != ".."
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

/// True for a Flink job id: 32 lower-case hexadecimal digits.
pub fn is_job_id(id: &str) -> bool {
    id.len() == 32
        && id
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statement_names() {
        for good in [
            "a",
            "a1",
            "dev-usw2-hc-dml-hc-fct-drift-evts",
            &"a".repeat(100),
        ] {
            assert!(is_statement_name(good), "{good}");
        }
        for bad in [
            "",
            "-a",
            "a-",
            "A",
            "a_b",
            "a.b",
            "../a",
            "a b",
            "é",
            &"a".repeat(101),
        ] {
            assert!(!is_statement_name(bad), "{bad}");
        }
    }

    #[test]
    fn table_names_are_topics_and_never_leave_a_folder() {
        for good in [
            "hc_raw_device_metrics",
            "healthcare.public.prescriptions",
            "A-1",
        ] {
            assert!(is_table_name(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a\\b", "a b", &"a".repeat(250)] {
            assert!(!is_table_name(bad), "{bad}");
        }
    }

    #[test]
    fn job_ids() {
        assert!(is_job_id("00000000000000000000000000000abc"));
        for bad in [
            "",
            "../0000000000000000000000000000",
            "0000000000000000000000000000ABCD",
        ] {
            assert!(!is_job_id(bad), "{bad}");
        }
    }
}
