use std::collections::BTreeSet;
use std::ops::Range;

use crate::graph::table_references;
use crate::parser::unquote;
use crate::tokenizer::{Token, TokenKind, tokenize};
use crate::{DialectError, ObjectName};

/// The one catalog and the one database there are, each by all the names that clients know it by.
///
/// On Confluent Cloud the catalog is the environment and the database the Kafka cluster, and statements may name either
/// by its id or by its display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// Id and display name of the environment; messages use the first.
    pub catalogs: Vec<String>,
    /// Id and display name of the Kafka cluster; messages use the first.
    pub databases: Vec<String>,
}

impl Namespace {
    /// A namespace; duplicates among the names do no harm.
    pub fn new(
        catalogs: impl IntoIterator<Item = impl Into<String>>,
        databases: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            catalogs: catalogs.into_iter().map(Into::into).collect(),
            databases: databases.into_iter().map(Into::into).collect(),
        }
    }

    /// Checks the catalog and database of a statement's properties.
    ///
    /// # Errors
    /// A name that is none of ours.
    pub fn check(&self, catalog: Option<&str>, database: Option<&str>) -> Result<(), DialectError> {
        let unknown = |what: &str, given: &str, ours: &[String]| {
            DialectError::invalid(format!(
                "There is no {what} '{given}' here; it is '{}'.",
                ours.join("', also '")
            ))
        };
        match (catalog, database) {
            (Some(given), _) if !is_one_of(&self.catalogs, given) => {
                Err(unknown("catalog (environment)", given, &self.catalogs))
            }
            (_, Some(given)) if !is_one_of(&self.databases, given) => {
                Err(unknown("database (Kafka cluster)", given, &self.databases))
            }
            _ => Ok(()),
        }
    }

    /// Checks the qualifiers of a table's name.
    ///
    /// # Errors
    /// A catalog or database that is none of ours.
    pub fn check_name(&self, name: &ObjectName) -> Result<(), DialectError> {
        self.check(name.catalog.as_deref(), name.database.as_deref())
    }

    /// The statement with blanks where the names of its tables and columns are qualified by our catalog and database,
    /// for a session that uses these. Everything keeps its line and column, so that the place of an error is that of
    /// the original.
    ///
    /// # Errors
    /// A table that is read from or written to another catalog or database.
    pub fn unqualify(&self, sql: &str) -> Result<String, DialectError> {
        let tokens: Vec<Token> = tokenize(sql)
            .into_iter()
            .filter(|token| token.is_significant() && !token.is_hint())
            .collect();
        let mut qualifiers = Vec::new();
        let mut qualified = BTreeSet::new();
        let mut tables: Vec<Vec<(String, Range<usize>)>> = table_references(sql)
            .into_iter()
            .map(|reference| reference.parts)
            .collect();
        tables.extend(targets(sql, &tokens));
        for parts in &tables {
            let [qualifier @ .., (table, place)] = parts.as_slice() else {
                continue;
            };
            match qualifier {
                [] => continue,
                [(database, _)] => self.check(None, Some(database))?,
                [(catalog, _), (database, _)] => self.check(Some(catalog), Some(database))?,
                _ => return Err(too_long(parts)),
            }
            qualifiers.push(qualifier[0].1.start..place.start);
            qualified.insert(table.as_str());
        }
        for chain in chains(sql, &tokens) {
            let cut = match chain.as_slice() {
                [(catalog, _), (database, _), _, _, ..]
                    if is_one_of(&self.catalogs, catalog)
                        && is_one_of(&self.databases, database) =>
                {
                    2
                }
                [(database, _), (table, _), _, ..]
                    if is_one_of(&self.databases, database)
                        && qualified.contains(table.as_str()) =>
                {
                    1
                }
                _ => continue,
            };
            qualifiers.push(chain[0].1.start..chain[cut].1.start);
        }
        Ok(blank(sql, &qualifiers))
    }
}

fn is_one_of(names: &[String], given: &str) -> bool {
    names.iter().any(|name| name == given)
}

fn too_long(parts: &[(String, Range<usize>)]) -> DialectError {
    let written: Vec<&str> = parts.iter().map(|(name, _)| name.as_str()).collect();
    let written = written.join(".");
    DialectError::invalid(format!(
        "The name {written} has more than three parts. A topic whose name contains dots is one quoted name: `{written}`."
    ))
}

/// Names joined by dots, with their places.
fn chains(sql: &str, tokens: &[Token]) -> Vec<Vec<(String, Range<usize>)>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let chain = chain(sql, &tokens[at..]);
        at += (2 * chain.len()).saturating_sub(1).max(1);
        if chain.len() > 1 {
            found.push(chain);
        }
    }
    found
}

/// The chain that starts with the first token; empty when that is no name.
fn chain(sql: &str, tokens: &[Token]) -> Vec<(String, Range<usize>)> {
    let mut parts = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::QuotedIdentifier);
        match index % 2 {
            0 if is_name => parts.push((unquote(token.text(sql), '`'), token.span.clone())),
            1 if token.text(sql) == "." => {}
            _ => break,
        }
    }
    parts
}

/// The names after `INSERT INTO`.
fn targets(sql: &str, tokens: &[Token]) -> Vec<Vec<(String, Range<usize>)>> {
    let is_word = |token: &Token, word: &str| {
        token.kind == TokenKind::Word && token.text(sql).eq_ignore_ascii_case(word)
    };
    tokens
        .windows(2)
        .enumerate()
        .filter(|(_, pair)| is_word(&pair[0], "INSERT") && is_word(&pair[1], "INTO"))
        .map(|(at, _)| chain(sql, &tokens[at + 2..]))
        .filter(|chain| !chain.is_empty())
        .collect()
}

/// The text with a blank for each character in the places; line ends stay.
fn blank(sql: &str, places: &[Range<usize>]) -> String {
    let mut blanked = String::with_capacity(sql.len());
    let mut places: Vec<&Range<usize>> = places.iter().collect();
    places.sort_by_key(|place| place.start);
    let mut end = 0;
    for place in places {
        // The name of a table is also a chain.
        let start = place.start.max(end);
        blanked.push_str(&sql[end..start]);
        let cut = sql[start..place.end.max(start)].chars();
        blanked.extend(cut.map(|c| if c == '\n' { c } else { ' ' }));
        end = place.end.max(start);
    }
    blanked.push_str(&sql[end..]);
    blanked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unqualified(sql: &str) -> Result<String, String> {
        Namespace::new(["env-1", "demo env"], ["lkc-1", "cluster"])
            .unqualify(sql)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn qualifiers_leave_blanks() {
        for (sql, expected) in [
            (
                "SELECT * FROM `env-1`.`lkc-1`.t",
                "SELECT * FROM                 t",
            ),
            (
                "INSERT INTO `demo env` . cluster . `a.b`\nSELECT cluster.t.x, t.y, t.cluster FROM cluster.t",
                "INSERT INTO                        `a.b`\nSELECT         t.x, t.y, t.cluster FROM         t",
            ),
            (
                "SELECT `env-1`.cluster.t.x FROM TABLE(TUMBLE(TABLE cluster.t, DESCRIPTOR(ts), INTERVAL '1' HOUR))",
                "SELECT                 t.x FROM TABLE(TUMBLE(TABLE         t, DESCRIPTOR(ts), INTERVAL '1' HOUR))",
            ),
            // A column that is called like the database stays.
            (
                "SELECT cluster.x.y FROM t AS cluster",
                "SELECT cluster.x.y FROM t AS cluster",
            ),
            (
                "SELECT 'cluster.t' /* cluster.t */ FROM cluster.é",
                "SELECT 'cluster.t' /* cluster.t */ FROM         é",
            ),
            ("SELECT 1 FROM cluster\n.t", "SELECT 1 FROM        \n t"),
        ] {
            assert_eq!(unqualified(sql).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn other_catalogs_and_databases_are_refused() {
        for (sql, expected) in [
            (
                "SELECT * FROM other.lkc-1.t",
                "There is no database (Kafka cluster) 'other' here; it is 'lkc-1', also 'cluster'.",
            ),
            (
                "INSERT INTO `env-2`.cluster.t SELECT 1",
                "There is no catalog (environment) 'env-2' here; it is 'env-1', also 'demo env'.",
            ),
            (
                "SELECT * FROM a.b.c.d",
                "The name a.b.c.d has more than three parts.",
            ),
        ] {
            let error = unqualified(sql).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
        let namespace = Namespace::new(["e"], ["d"]);
        assert!(namespace.check(Some("e"), Some("d")).is_ok());
        assert!(namespace.check_name(&ObjectName::bare("t")).is_ok());
        assert!(namespace.check(None, Some("x")).is_err());
    }
}
