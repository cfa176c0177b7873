use crate::DialectError;
use crate::tokenizer::{Token, TokenKind, tokenize};

/// Digits of a day in an interval that open-source Flink can count with; Confluent takes more.
const DAY_DIGITS: u32 = 3;

/// Refuses `INTERVAL '...' DAY(n)` with a precision that open-source Flink's planner does not have. Its own message
/// names neither the interval nor a place.
pub(crate) fn check_intervals(sql: &str) -> Result<(), DialectError> {
    let tokens: Vec<Token> = tokenize(sql)
        .into_iter()
        .filter(Token::is_significant)
        .collect();
    for window in tokens.windows(5) {
        let [interval, value, unit, open, digits] = window else {
            continue;
        };
        let is_day = interval.text(sql).eq_ignore_ascii_case("INTERVAL")
            && value.kind == TokenKind::String
            && unit.text(sql).eq_ignore_ascii_case("DAY")
            && open.text(sql) == "(";
        if is_day
            && let Ok(digits) = digits.text(sql).parse::<u64>()
            && digits > DAY_DIGITS.into()
        {
            return Err(DialectError::unsupported(
                format!("INTERVAL {} DAY({digits})", value.text(sql)),
                format!(
                    "A day has at most {DAY_DIGITS} digits: write DAY({DAY_DIGITS}), or YEAR or MONTH for longer times."
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_days_with_many_digits_are_refused() {
        for sql in [
            "ts - INTERVAL '999' DAY(3)",
            "INTERVAL '1' YEAR(4)",
            "INTERVAL '10 00:00' DAY TO MINUTE",
            "'INTERVAL ''9999'' DAY(4)' -- INTERVAL '9999' DAY(4)",
            "interval",
        ] {
            assert_eq!(check_intervals(sql), Ok(()), "{sql}");
        }
        let error = check_intervals("ts - interval '9999' day (4) + x").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("INTERVAL '9999' DAY(4) is not supported")
        );
        assert!(check_intervals("INTERVAL '1' DAY(99999999999)").is_err());
    }
}
