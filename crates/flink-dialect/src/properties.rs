use std::collections::BTreeMap;

use crate::{DialectError, units};

/// The properties of a statement, translated for open-source Flink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatementProperties {
    /// `sql.current-catalog`
    pub catalog: Option<String>,
    /// `sql.current-database`
    pub database: Option<String>,
    /// `sql.snapshot.mode` = `now`
    pub snapshot: bool,
    /// Flink options for the statement's `executionConfig`.
    pub config: BTreeMap<String, String>,
}

/// Translates the `properties` of a statement (`sql.state-ttl`, `sql.local-time-zone`, ...).
///
/// # Errors
/// A property that is not known, or a value that is not one of its own.
pub fn translate_properties(
    properties: &BTreeMap<String, String>,
) -> Result<StatementProperties, DialectError> {
    let mut translated = StatementProperties::default();
    for (key, value) in properties {
        match key.as_str() {
            "sql.current-catalog" => translated.catalog = Some(value.clone()),
            "sql.current-database" => translated.database = Some(value.clone()),
            "sql.snapshot.mode" => match value.as_str() {
                "now" => translated.snapshot = true,
                "off" => {}
                other => {
                    return Err(DialectError::invalid(format!(
                        "The property sql.snapshot.mode is '{other}'. Write 'now' or leave it out."
                    )));
                }
            },
            "sql.state-ttl" => duration(&mut translated, key, "table.exec.state.ttl", value)?,
            // Timestamps of tables are UTC wall clock times here (TIMESTAMP_LTZ has no Avro form in open-source Flink), so
            // that in another zone a query would shift what it writes.
            "sql.local-time-zone" if value == "UTC" => {
                set(&mut translated, "table.local-time-zone", value)
            }
            "sql.local-time-zone" => {
                return Err(DialectError::unsupported(
                    format!("The property sql.local-time-zone with the value '{value}'"),
                    "Write 'UTC', and convert where a person reads the time.",
                ));
            }
            "sql.tables.scan.idle-timeout" => {
                duration(
                    &mut translated,
                    key,
                    "table.exec.source.idle-timeout",
                    value,
                )?;
            }
            other if other.starts_with("sql.tables.") => {
                let option = &other["sql.tables.".len()..];
                return Err(DialectError::unsupported(
                    format!("The statement property {other}, which is about all tables at once,"),
                    format!(
                        "Set '{option}' in the options of the table, or write /*+ OPTIONS('{option}' = '{value}') */ after its name in the query."
                    ),
                ));
            }
            other => {
                return Err(DialectError::unsupported(
                    format!("The statement property {other}"),
                    "Known are sql.current-catalog, sql.current-database, sql.snapshot.mode, sql.state-ttl, \
                     sql.local-time-zone and sql.tables.scan.idle-timeout.",
                ));
            }
        }
    }
    Ok(translated)
}

fn duration(
    translated: &mut StatementProperties,
    property: &str,
    key: &str,
    value: &str,
) -> Result<(), DialectError> {
    units::milliseconds(&format!("The property {property}"), value)?;
    set(translated, key, value);
    Ok(())
}

fn set(translated: &mut StatementProperties, key: &str, value: &str) {
    translated.config.insert(key.to_owned(), value.to_owned());
}

/// Reads a `dml.<table>.properties` file: `key=value` lines, `#` and `!` start a comment.
///
/// # Errors
/// A line without `=`.
pub fn parse_properties_file(text: &str) -> Result<BTreeMap<String, String>, DialectError> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(['#', '!']))
        .map(|(number, line)| match line.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
            None => Err(DialectError::Syntax {
                message: format!("`{line}` is not a property. Write key=value."),
                line: number,
                column: 1,
            }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(pairs: &[(&str, &str)]) -> Result<StatementProperties, String> {
        let properties = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        translate_properties(&properties).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_client_sends_becomes_options_of_the_statement() {
        let all = translated(&[
            ("sql.current-catalog", "env-000000"),
            ("sql.current-database", "lkc-000000"),
            ("sql.snapshot.mode", "now"),
            ("sql.state-ttl", "1 h"),
            ("sql.local-time-zone", "UTC"),
            ("sql.tables.scan.idle-timeout", "200 ms"),
        ])
        .unwrap();
        assert_eq!(
            (
                all.catalog.as_deref(),
                all.database.as_deref(),
                all.snapshot
            ),
            (Some("env-000000"), Some("lkc-000000"), true)
        );
        let config: Vec<String> = all
            .config
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            config,
            [
                "table.exec.source.idle-timeout=200 ms",
                "table.exec.state.ttl=1 h",
                "table.local-time-zone=UTC"
            ]
        );
        assert!(
            !translated(&[("sql.snapshot.mode", "off")])
                .unwrap()
                .snapshot
        );
    }

    #[test]
    fn an_unknown_property_is_refused_by_name() {
        for (key, value, expected) in [
            ("sql.snapshot.mode", "later", "sql.snapshot.mode is 'later'"),
            (
                "sql.local-time-zone",
                "Europe/Paris",
                "with the value 'Europe/Paris' is not supported",
            ),
            (
                "sql.state-ttl",
                "long",
                "The property sql.state-ttl is 'long', which is not a duration",
            ),
            (
                "sql.tables.scan.startup.mode",
                "latest-offset",
                "write /*+ OPTIONS('scan.startup.mode' = 'latest-offset') */",
            ),
            (
                "table.exec.state.ttl",
                "1 h",
                "The statement property table.exec.state.ttl is not supported",
            ),
        ] {
            let error = translated(&[(key, value)]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_properties_file_has_comments_and_says_where_it_is_wrong() {
        let text = "# state\n! too\n\n sql.state-ttl = 1 h \nx=a=b";
        let read = parse_properties_file(text).unwrap();
        assert_eq!(
            read,
            [
                ("sql.state-ttl".to_owned(), "1 h".to_owned()),
                ("x".to_owned(), "a=b".to_owned())
            ]
            .into()
        );
        let error = parse_properties_file("a=1\nb").unwrap_err().to_string();
        assert!(error.starts_with("line 2, column 1"), "{error}");
    }
}
