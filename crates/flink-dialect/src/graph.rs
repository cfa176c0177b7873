//! The tables of a pipelines folder, ordered by what they read.

use std::collections::{BTreeMap, BTreeSet};

use crate::{DialectError, StatementNames};

/// One table folder, read by the caller: `<layer>/<product>/<table folder>/sql-scripts/...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableFolder {
    /// The folder, relative to the pipelines folder, with `/`: `facts/hc/hc_fct_drift_evts`.
    pub path: String,
    /// Text of `sql-scripts/ddl.*.sql`.
    pub ddl: String,
    /// Text of `sql-scripts/dml.*.sql`, without one for a table that is filled by others.
    pub dml: Option<String>,
    /// `sql-scripts/dml.*.properties`, read by [`crate::parse_properties_file`].
    pub properties: BTreeMap<String, String>,
}

/// A table of the graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The table.
    pub table: String,
    /// First folder of the path: `sources`, `facts`, ...
    pub layer: String,
    /// Second folder of the path: the data product.
    pub product: String,
    /// Name of the statement that creates the table.
    pub ddl_name: String,
    /// Name of the statement that fills it.
    pub dml_name: String,
    /// The statement that creates the table.
    pub ddl: String,
    /// The statement that fills it.
    pub dml: Option<String>,
    /// Properties of the filling statement.
    pub properties: BTreeMap<String, String>,
    /// Tables of the graph that it reads, in alphabetical order.
    pub parents: Vec<String>,
    /// External topics that it reads, in alphabetical order.
    pub externals: Vec<String>,
}

/// Builds the nodes in an order in which every table comes after the tables it reads (ties by name).
///
/// `external` holds the tables that others own (`seeds/external_tables.json`, see [`parse_external_tables`]).
///
/// # Errors
/// All that is wrong with the folders, not only the first: text that does not parse, a DML that fills another table than
/// the DDL creates, a table defined twice, a table read that is neither defined nor external, a cycle.
pub fn build(
    folders: &[TableFolder],
    external: &BTreeSet<String>,
    names: &StatementNames,
) -> Result<Vec<Node>, Vec<DialectError>> {
    let _ = (folders, external, names);
    Ok(vec![])
}

/// Tables read by a query: after `FROM`, `JOIN`, a comma of a `FROM`, or `TABLE` in a table function. Names of common
/// table expressions, strings and comments are not tables.
pub fn tables_read(sql: &str) -> BTreeSet<String> {
    let _ = sql;
    BTreeSet::new()
}

/// Reads `seeds/external_tables.json`: the names of its tables.
///
/// # Errors
/// Text that is not `{"tables": [{"table_name": "..."}]}`.
pub fn parse_external_tables(json: &str) -> Result<BTreeSet<String>, DialectError> {
    let _ = json;
    Ok(BTreeSet::new())
}
