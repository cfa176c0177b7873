use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::intervals::check_intervals;
use crate::parser::{parse, unquote};
use crate::tokenizer::{Token, TokenKind, tokenize};
use crate::{DialectError, Statement, quote_string};

/// What the engine changes in the text of a query; everything else stays as written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryTuning {
    /// Overrides of the `STATE_TTL` hint, by table or alias as the hint spells it: `m` -> `2 h`.
    pub state_ttl: BTreeMap<String, String>,
}

/// A statement for open-source Flink 2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranslatedQuery {
    /// The text, without trailing semicolon. Nothing but the values of hints changes, so that lines and columns of an
    /// error are those of the original.
    pub sql: String,
    /// Things accepted and ignored, one sentence each.
    pub warnings: Vec<String>,
}

/// Translates an `INSERT`, `EXECUTE STATEMENT SET`, `SELECT` or `EXPLAIN`.
///
/// # Errors
/// Text that is not a query, an interval that open-source Flink cannot count with, or a tuning that names an alias without `STATE_TTL` hint.
pub fn translate_query(sql: &str, tuning: &QueryTuning) -> Result<TranslatedQuery, DialectError> {
    let statement = parse(sql)?;
    if !matches!(
        statement,
        Statement::Insert(_) | Statement::StatementSet(_) | Statement::Select | Statement::Explain
    ) {
        return Err(DialectError::invalid(format!(
            "{} is not a query.",
            statement.kind()
        )));
    }
    check_intervals(sql)?;
    let tokens = tokenize(sql);
    let mut translated = sql[..end_of_statement(sql, &tokens)].to_owned();
    let hints = state_ttl_hints(sql, &tokens);
    let known: BTreeSet<&str> = hints.iter().map(|(alias, _)| alias.as_str()).collect();
    if let Some(unknown) = tuning
        .state_ttl
        .keys()
        .find(|alias| !known.contains(alias.as_str()))
    {
        return Err(DialectError::invalid(format!(
            "The tuning sets STATE_TTL of '{unknown}', which no hint of the statement names. Add /*+ STATE_TTL('{unknown}' = '...') */ \
             after SELECT, or drop the tuning."
        )));
    }
    for (alias, span) in hints.into_iter().rev() {
        if let Some(ttl) = tuning.state_ttl.get(&alias) {
            translated.replace_range(span, &quote_string(ttl));
        }
    }
    Ok(TranslatedQuery {
        sql: translated,
        warnings: Vec::new(),
    })
}

/// Where the statement ends: before its trailing semicolon, else after its last token.
fn end_of_statement(sql: &str, tokens: &[Token]) -> usize {
    tokens
        .iter()
        .rev()
        .find(|token| token.is_significant() && token.text(sql) != ";")
        .map_or(0, |token| token.span.end)
}

/// Alias and span of the value of each entry of the `STATE_TTL` hints, in the order of the text.
fn state_ttl_hints(sql: &str, tokens: &[Token]) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    for hint in tokens.iter().filter(|token| token.is_hint()) {
        let start = hint.span.start + "/*+".len();
        let text = &sql[start..hint.span.end - "*/".len()];
        let inner: Vec<Token> = tokenize(text)
            .into_iter()
            .filter(Token::is_significant)
            .collect();
        let mut in_state_ttl = false;
        for (index, token) in inner.iter().enumerate() {
            match token.kind {
                TokenKind::Word
                    if inner
                        .get(index + 1)
                        .is_some_and(|next| next.text(text) == "(") =>
                {
                    in_state_ttl = token.text(text).eq_ignore_ascii_case("STATE_TTL");
                }
                TokenKind::Symbol if token.text(text) == "=" && in_state_ttl && index > 0 => {
                    let alias = inner[index - 1].text(text);
                    if let Some(value) = inner.get(index + 1) {
                        let span = start + value.span.start..start + value.span.end;
                        found.push((unquote(&unquote(alias, '\''), '`'), span));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tuned(sql: &str, state_ttl: &[(&str, &str)]) -> Result<String, String> {
        let state_ttl = state_ttl
            .iter()
            .map(|(alias, ttl)| ((*alias).to_owned(), (*ttl).to_owned()))
            .collect();
        translate_query(sql, &QueryTuning { state_ttl })
            .map(|query| query.sql)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_value_of_the_hint_changes() {
        let sql = "INSERT INTO t -- 'm'='10min'\nSELECT /*+ STATE_TTL('m' = '10min', 'r'='0s'), BROADCAST(m) */ 'm' = '10min'\nFROM m /* 'm'='1' */;\n";
        assert_eq!(
            tuned(sql, &[("m", "2 h")]).unwrap(),
            "INSERT INTO t -- 'm'='10min'\nSELECT /*+ STATE_TTL('m' = '2 h', 'r'='0s'), BROADCAST(m) */ 'm' = '10min'\nFROM m"
        );
        assert_eq!(tuned("SELECT 1 ; -- done", &[]).unwrap(), "SELECT 1");
    }

    #[test]
    fn a_tuning_that_cannot_take_effect_is_refused() {
        let error = tuned(
            "SELECT /*+ BROADCAST('m' = '1') */ * FROM m",
            &[("m", "1 h")],
        )
        .unwrap_err();
        assert!(error.contains("STATE_TTL of 'm'"), "{error}");
        assert!(
            tuned("DROP TABLE t", &[])
                .unwrap_err()
                .contains("DROP_TABLE is not a query")
        );
    }
}
