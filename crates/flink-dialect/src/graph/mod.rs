//! The tables of a pipelines folder, ordered by what they read.

mod reads;

use std::collections::{BTreeMap, BTreeSet};

use crate::{DialectError, Statement, StatementNames, parse};

pub(crate) use reads::table_references;
pub use reads::tables_read;

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
    let mut errors = Vec::new();
    let mut nodes: BTreeMap<String, (Node, BTreeSet<String>)> = BTreeMap::new();
    for folder in folders {
        match node(folder, names) {
            Ok((node, _)) if nodes.contains_key(&node.table) || external.contains(&node.table) => {
                errors.push(DialectError::invalid(format!(
                    "{} defines {}, which is defined elsewhere or declared external. Keep one.",
                    folder.path, node.table
                )));
            }
            Ok((node, reads)) => {
                nodes.insert(node.table.clone(), (node, reads));
            }
            Err(error) => errors.push(error),
        }
    }
    let defined: BTreeSet<String> = nodes.keys().cloned().collect();
    for (node, reads) in nodes.values_mut() {
        for read in reads.iter() {
            // A table that reads itself is a cycle of one, found below.
            if defined.contains(read) {
                node.parents.push(read.clone());
            } else if external.contains(read) {
                node.externals.push(read.clone());
            } else {
                errors.push(DialectError::invalid(format!(
                    "{} reads {read}, which no folder defines. Correct the name, or declare the topic in seeds/external_tables.json.",
                    node.table
                )));
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    order(nodes.into_values().map(|(node, _)| node).collect())
}

/// The node without its edges, and the tables it reads.
fn node(
    folder: &TableFolder,
    names: &StatementNames,
) -> Result<(Node, BTreeSet<String>), DialectError> {
    let context = |error: DialectError| DialectError::invalid(format!("{}: {error}", folder.path));
    let [layer, product, _] = folder.path.split('/').collect::<Vec<_>>()[..] else {
        return Err(DialectError::invalid(format!(
            "The folder {} is not <layer>/<product>/<table>, so that its data product is unknown.",
            folder.path
        )));
    };
    let Statement::CreateTable(create) = parse(&folder.ddl).map_err(context)? else {
        return Err(DialectError::invalid(format!(
            "{}: the DDL file has to be a CREATE TABLE.",
            folder.path
        )));
    };
    let table = create.table.name;
    let mut reads = BTreeSet::new();
    if let Some(dml) = &folder.dml {
        let targets = match parse(dml).map_err(context)? {
            Statement::Insert(insert) => vec![insert.target.table],
            Statement::StatementSet(inserts) => inserts
                .into_iter()
                .map(|insert| insert.target.table)
                .collect(),
            other => {
                return Err(DialectError::invalid(format!(
                    "{}: the DML file has to be an INSERT INTO, and is {}.",
                    folder.path,
                    other.kind()
                )));
            }
        };
        if !targets.contains(&table) {
            return Err(DialectError::invalid(format!(
                "{}: the DDL creates {table} and the DML fills {}. Use one name.",
                folder.path,
                targets.join(", ")
            )));
        }
        reads = tables_read(dml);
    }
    let node = Node {
        layer: layer.to_owned(),
        product: product.to_owned(),
        ddl_name: names.ddl(product, &table),
        dml_name: names.dml(product, &table),
        ddl: folder.ddl.clone(),
        dml: folder.dml.clone(),
        properties: folder.properties.clone(),
        parents: Vec::new(),
        externals: Vec::new(),
        table,
    };
    for name in [&node.ddl_name, &node.dml_name] {
        check_name(name).map_err(context)?;
    }
    Ok((node, reads))
}

/// Confluent's rule for statement names: it would refuse the others on deployment.
fn check_name(name: &str) -> Result<(), DialectError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() <= 100 && name.chars().all(allowed) {
        return Ok(());
    }
    Err(DialectError::invalid(format!(
        "The statement name {name} is not 1 to 100 of a-z, 0-9 and dash. Rename the table or its product."
    )))
}

/// Parents first. Takes, again and again, the first table by name whose parents are all taken.
fn order(mut left: Vec<Node>) -> Result<Vec<Node>, Vec<DialectError>> {
    let mut ordered: Vec<Node> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let ready = |node: &Node| {
            node.parents
                .iter()
                .all(|parent| ordered.iter().any(|done| done.table == *parent))
        };
        match left.iter().position(ready) {
            Some(index) => ordered.push(left.remove(index)),
            None => return Err(vec![cycle(&left)]),
        }
    }
    Ok(ordered)
}

/// Every table left waits for another one left, so that following the first such parent ends in a cycle.
fn cycle(left: &[Node]) -> DialectError {
    let mut path: Vec<&str> = Vec::new();
    let mut current = left.first();
    while let Some(node) = current {
        if let Some(start) = path.iter().position(|table| *table == node.table) {
            let mut tables = path.split_off(start);
            tables.push(&node.table);
            return DialectError::invalid(format!(
                "The tables read each other in a circle: {}. Break it.",
                tables.join(" reads ")
            ));
        }
        path.push(&node.table);
        current = left
            .iter()
            .find(|other| node.parents.contains(&other.table));
    }
    DialectError::invalid("The tables read each other in a circle.")
}

/// Reads `seeds/external_tables.json`: the names of its tables.
///
/// # Errors
/// Text that is not `{"tables": [{"table_name": "..."}]}`.
pub fn parse_external_tables(json: &str) -> Result<BTreeSet<String>, DialectError> {
    let bad = |detail: &str| {
        DialectError::invalid(format!(
            "external_tables.json is not {{\"tables\": [{{\"table_name\": \"...\"}}]}}: {detail}"
        ))
    };
    let document: serde_json::Value =
        serde_json::from_str(json).map_err(|error| bad(&error.to_string()))?;
    let tables = document
        .get("tables")
        .and_then(|tables| tables.as_array())
        .ok_or_else(|| bad("no list `tables`."))?;
    tables
        .iter()
        .map(|table| {
            let name = table.get("table_name").and_then(|name| name.as_str());
            name.map(str::to_owned)
                .ok_or_else(|| bad("a table has no `table_name`."))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str, dml: &str) -> TableFolder {
        let table = path.rsplit('/').next().unwrap();
        TableFolder {
            path: path.into(),
            ddl: format!("CREATE TABLE IF NOT EXISTS {table} (x INT)"),
            dml: Some(dml.into()),
            properties: BTreeMap::new(),
        }
    }

    fn errors(folders: &[TableFolder]) -> String {
        let external = ["raw".to_owned()].into();
        let errors = build(folders, &external, &StatementNames::default()).unwrap_err();
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn parents_come_first_and_edges_are_named() {
        let nodes = build(
            &[
                folder(
                    "facts/hc/a_fct",
                    "INSERT INTO a_fct SELECT x FROM src_b JOIN raw ON TRUE JOIN z_dim ON TRUE",
                ),
                folder(
                    "dimensions/hc/z_dim",
                    "INSERT INTO z_dim SELECT x FROM src_b",
                ),
                folder("sources/hc/src_b", "INSERT INTO src_b SELECT x FROM raw"),
            ],
            &["raw".to_owned()].into(),
            &StatementNames::default(),
        )
        .unwrap();
        let summary: Vec<String> = nodes
            .iter()
            .map(|node| {
                format!(
                    "{} {} {} [{}] [{}]",
                    node.dml_name,
                    node.layer,
                    node.product,
                    node.parents.join(" "),
                    node.externals.join(" ")
                )
            })
            .collect();
        assert_eq!(
            summary,
            [
                "dev-usw2-hc-dml-src-b sources hc [] [raw]",
                "dev-usw2-hc-dml-z-dim dimensions hc [src_b] []",
                "dev-usw2-hc-dml-a-fct facts hc [src_b z_dim] [raw]",
            ]
        );
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let text = errors(&[
            folder("facts/hc/a", "INSERT INTO b SELECT 1"),
            folder("facts/hc/c", "INSERT INTO c SELECT * FROM misspelt"),
            folder("facts/hc/d", "SELECT 1"),
            folder("facts/e", "INSERT INTO e SELECT 1"),
            folder("facts/hc/raw", "INSERT INTO raw SELECT 1"),
            folder("facts/hc/F", "INSERT INTO F SELECT 1"),
            folder("facts/hc/g", "INSERT INTO g SELECT 'open"),
        ]);
        for expected in [
            "creates a and the DML fills b",
            "c reads misspelt, which no folder defines",
            "facts/hc/d: the DML file has to be an INSERT INTO, and is SELECT",
            "facts/e is not <layer>/<product>/<table>",
            "facts/hc/raw defines raw, which is defined elsewhere",
            "dev-usw2-hc-ddl-F is not 1 to 100",
            "facts/hc/g: line 1, column 22: The string that starts here is not closed",
        ] {
            assert!(text.contains(expected), "{expected}\n--\n{text}");
        }
    }

    #[test]
    fn a_circle_is_named() {
        let text = errors(&[
            folder("facts/hc/a", "INSERT INTO a SELECT * FROM b"),
            folder("facts/hc/b", "INSERT INTO b SELECT * FROM c"),
            folder("facts/hc/c", "INSERT INTO c SELECT * FROM b"),
        ]);
        assert_eq!(
            text,
            "The tables read each other in a circle: b reads c reads b. Break it."
        );
    }

    #[test]
    fn external_tables_are_read_by_name() {
        let json = r#"{"tables": [{"table_name": "a", "product_name": "ingest"}, {"table_name": "b.c.d"}]}"#;
        assert_eq!(
            parse_external_tables(json),
            Ok(["a".to_owned(), "b.c.d".to_owned()].into())
        );
        assert!(parse_external_tables("{}").is_err());
        assert!(parse_external_tables(r#"{"tables": [{}]}"#).is_err());
    }
}
