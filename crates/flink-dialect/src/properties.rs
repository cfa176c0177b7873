use std::collections::BTreeMap;

use crate::DialectError;

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
/// A property that is not known.
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
            "sql.state-ttl" => set(&mut translated, "table.exec.state.ttl", value),
            "sql.local-time-zone" => set(&mut translated, "table.local-time-zone", value),
            "sql.tables.scan.idle-timeout" => {
                set(&mut translated, "table.exec.source.idle-timeout", value)
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
