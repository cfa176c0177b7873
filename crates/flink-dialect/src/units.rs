use crate::DialectError;

/// A duration in Flink's spelling (`7 d`, `10min`, `200 ms`; a bare number is milliseconds), in milliseconds.
pub(crate) fn milliseconds(what: &str, text: &str) -> Result<u64, DialectError> {
    let factor = |unit: &str| match unit {
        "" | "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => Some(1),
        "s" | "sec" | "secs" | "second" | "seconds" => Some(1_000),
        "m" | "min" | "minute" | "minutes" => Some(60_000),
        "h" | "hour" | "hours" => Some(3_600_000),
        "d" | "day" | "days" => Some(86_400_000),
        _ => None,
    };
    measure(text, factor).ok_or_else(|| {
        DialectError::invalid(format!(
            "{what} is '{text}', which is not a duration. Write for instance '7 d' or '12 h'."
        ))
    })
}

/// A size in Flink's spelling (`512 mb`, `1 gb`; a bare number is bytes), in bytes.
pub(crate) fn bytes(what: &str, text: &str) -> Result<u64, DialectError> {
    let factor = |unit: &str| match unit {
        "" | "b" | "byte" | "bytes" => Some(1),
        "k" | "kb" | "kibibytes" => Some(1 << 10),
        "m" | "mb" | "mebibytes" => Some(1 << 20),
        "g" | "gb" | "gibibytes" => Some(1 << 30),
        "t" | "tb" | "tebibytes" => Some(1 << 40),
        _ => None,
    };
    measure(text, factor).ok_or_else(|| {
        DialectError::invalid(format!(
            "{what} is '{text}', which is not a size. Write for instance '512 mb'."
        ))
    })
}

fn measure(text: &str, factor: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let number: u64 = text[..split].parse().ok()?;
    number.checked_mul(factor(&text[split..].trim().to_lowercase())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_flink() {
        for (text, expected) in [
            ("0", 0),
            ("7 d", 604_800_000),
            ("10min", 600_000),
            ("2 hours", 7_200_000),
            ("250", 250),
        ] {
            assert_eq!(milliseconds("o", text), Ok(expected), "{text}");
        }
        for (text, expected) in [("0", 0), ("1 gb", 1 << 30), ("10 bytes", 10)] {
            assert_eq!(bytes("o", text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "d",
            "-1",
            "1.5 d",
            "1 fortnight",
            "99999999999999999999",
            "99999999999999 d",
        ] {
            assert!(milliseconds("o", text).is_err(), "{text}");
        }
    }
}
