use std::collections::{BTreeMap, BTreeSet};

use crate::{
    Column, ColumnKind, CreateTable, DataType, DialectError, Distribution, Statement, Table,
    Watermark,
};

use super::Cursor;

/// After `CREATE`.
pub(super) fn create(cursor: &mut Cursor<'_>) -> Result<Statement, DialectError> {
    cursor.expect_object("CREATE", "TABLE", advice(cursor))?;
    let if_not_exists = cursor.eat_words(&["IF", "NOT", "EXISTS"]);
    let name = cursor.object_name()?;
    if cursor.at_word("AS") || cursor.query_in_parentheses() {
        return Err(as_select());
    }
    if !cursor.at_symbol("(") {
        let construct = format!(
            "CREATE TABLE {} {}",
            name.table,
            cursor.peek_text().to_uppercase()
        );
        return Err(DialectError::unsupported(
            construct.trim_end(),
            "Write the columns in parentheses after the name.",
        ));
    }
    let mut table = Table {
        name: name.table.clone(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        distribution: None,
        watermark: None,
        options: BTreeMap::new(),
        comment: None,
    };
    let mut names = BTreeSet::new();
    for element in cursor.list(element)? {
        element.add_to(&mut table, &mut names)?;
    }
    clauses(cursor, &mut table)?;
    check(&mut table)?;
    Ok(Statement::CreateTable(CreateTable {
        name,
        if_not_exists,
        table,
    }))
}

/// What to do instead of creating something that is no table.
fn advice(cursor: &Cursor<'_>) -> &'static str {
    match cursor.peek_text().to_uppercase().as_str() {
        "VIEW" => "Name the query in the statements that use it: WITH name AS (SELECT ...).",
        "OR" => "Drop the table first, then create it.",
        "TEMPORARY" | "TEMP" => {
            "A table is a topic and stays: leave the word out, and drop the table when it has served."
        }
        "MATERIALIZED" => "Create the table, and fill it with INSERT INTO ... SELECT.",
        "CATALOG" | "DATABASE" => {
            "The catalog is the environment and the database is the Kafka cluster; there is one of each."
        }
        "FUNCTION" => "Use the functions that Flink has.",
        _ => "Only CREATE TABLE is.",
    }
}

fn as_select() -> DialectError {
    DialectError::unsupported(
        "CREATE TABLE ... AS SELECT",
        "Create the table with its columns first, then fill it with INSERT INTO ... SELECT.",
    )
}

/// One element between the parentheses.
enum Element {
    Column { column: Column, is_key: bool },
    Watermark(Watermark),
    PrimaryKey(Vec<String>),
}

impl Element {
    fn add_to(self, table: &mut Table, names: &mut BTreeSet<String>) -> Result<(), DialectError> {
        match self {
            Self::Column { column, is_key } => {
                if !names.insert(column.name.clone()) {
                    return Err(DialectError::invalid(format!(
                        "Table {} defines the column {} twice.",
                        table.name, column.name
                    )));
                }
                if is_key {
                    table.primary_key.push(column.name.clone());
                }
                table.columns.push(column);
            }
            Self::Watermark(watermark) => {
                if table.watermark.replace(watermark).is_some() {
                    return Err(DialectError::invalid(format!(
                        "Table {} has two watermarks. Keep one.",
                        table.name
                    )));
                }
            }
            Self::PrimaryKey(columns) => {
                if !table.primary_key.is_empty() {
                    return Err(DialectError::invalid(format!(
                        "Table {} has two primary keys. Keep one.",
                        table.name
                    )));
                }
                table.primary_key = columns;
            }
        }
        Ok(())
    }
}

fn element(cursor: &mut Cursor<'_>) -> Result<Element, DialectError> {
    if cursor.eat_words(&["WATERMARK", "FOR"]) {
        return watermark(cursor).map(Element::Watermark);
    }
    if cursor.eat_word("CONSTRAINT") {
        cursor.identifier()?;
        return primary_key(cursor);
    }
    if cursor.at_word("PRIMARY") {
        return primary_key(cursor);
    }
    let (column, is_key) = column(cursor)?;
    Ok(Element::Column { column, is_key })
}

fn primary_key(cursor: &mut Cursor<'_>) -> Result<Element, DialectError> {
    if !cursor.eat_words(&["PRIMARY", "KEY"]) {
        return Err(DialectError::unsupported(
            format!("The constraint {}", cursor.peek_text().to_uppercase()),
            "The only constraint is PRIMARY KEY (...) NOT ENFORCED.",
        ));
    }
    let columns = cursor.list(Cursor::identifier)?;
    not_enforced(cursor)?;
    Ok(Element::PrimaryKey(columns))
}

fn not_enforced(cursor: &mut Cursor<'_>) -> Result<(), DialectError> {
    if cursor.eat_words(&["NOT", "ENFORCED"]) {
        return Ok(());
    }
    Err(cursor.error("Flink does not check keys: expected NOT ENFORCED after PRIMARY KEY"))
}

/// After `WATERMARK FOR`.
pub(super) fn watermark(cursor: &mut Cursor<'_>) -> Result<Watermark, DialectError> {
    let column = cursor.identifier()?;
    cursor.expect_word("AS")?;
    Ok(Watermark {
        column,
        expression: cursor.expression(&[])?,
    })
}

/// A column, and whether it is the primary key by itself.
pub(super) fn column(cursor: &mut Cursor<'_>) -> Result<(Column, bool), DialectError> {
    let name = cursor.identifier()?;
    if cursor.eat_word("AS") {
        let expression = cursor.expression(&["COMMENT", "FIRST", "AFTER"])?;
        return Ok((
            Column {
                name,
                kind: ColumnKind::Computed { expression },
                comment: comment(cursor)?,
            },
            false,
        ));
    }
    let data_type = cursor.data_type()?;
    if cursor.eat_word("METADATA") {
        let from = if cursor.eat_word("FROM") {
            Some(cursor.string()?)
        } else {
            None
        };
        let is_virtual = cursor.eat_word("VIRTUAL");
        let kind = ColumnKind::Metadata {
            data_type,
            from,
            is_virtual,
        };
        return Ok((
            Column {
                name,
                kind,
                comment: comment(cursor)?,
            },
            false,
        ));
    }
    let is_key = cursor.eat_words(&["PRIMARY", "KEY"]);
    if is_key {
        not_enforced(cursor)?;
    }
    Ok((
        Column {
            name,
            kind: ColumnKind::Physical { data_type },
            comment: comment(cursor)?,
        },
        is_key,
    ))
}

fn comment(cursor: &mut Cursor<'_>) -> Result<Option<String>, DialectError> {
    if cursor.eat_word("COMMENT") {
        cursor.string().map(Some)
    } else {
        Ok(None)
    }
}

/// What follows the closing parenthesis.
fn clauses(cursor: &mut Cursor<'_>, table: &mut Table) -> Result<(), DialectError> {
    if let Some(text) = comment(cursor)? {
        table.comment = Some(text);
    }
    if cursor.eat_word("DISTRIBUTED") {
        table.distribution = Some(distribution(cursor)?);
    }
    if cursor.at_word("PARTITIONED") {
        return Err(DialectError::unsupported(
            "PARTITIONED BY",
            "Write DISTRIBUTED BY HASH(...) INTO n BUCKETS.",
        ));
    }
    if cursor.eat_word("WITH") {
        table.options = options(cursor)?;
    }
    match cursor.peek_text().to_uppercase().as_str() {
        "LIKE" => Err(DialectError::unsupported(
            "CREATE TABLE ... LIKE",
            "Write the columns out.",
        )),
        "AS" => Err(as_select()),
        _ => Ok(()),
    }
}

fn distribution(cursor: &mut Cursor<'_>) -> Result<Distribution, DialectError> {
    let mut columns = Vec::new();
    if cursor.eat_word("BY") {
        if cursor.at_word("RANGE") {
            return Err(DialectError::unsupported(
                "DISTRIBUTED BY RANGE",
                "Write DISTRIBUTED BY HASH(...).",
            ));
        }
        cursor.eat_word("HASH");
        columns = cursor.list(Cursor::identifier)?;
    }
    let buckets = if cursor.eat_word("INTO") {
        let buckets = cursor.number()?;
        cursor.expect_word("BUCKETS")?;
        if buckets == 0 {
            return Err(DialectError::invalid(
                "A topic has at least one partition: write INTO 1 BUCKETS or more.",
            ));
        }
        Some(buckets)
    } else {
        None
    };
    if columns.is_empty() && buckets.is_none() {
        return Err(cursor.error("Expected BY HASH(...) or INTO n BUCKETS after DISTRIBUTED"));
    }
    Ok(Distribution { columns, buckets })
}

/// `('key' = 'value', ...)`
pub(super) fn options(cursor: &mut Cursor<'_>) -> Result<BTreeMap<String, String>, DialectError> {
    let pairs = cursor.list(|cursor| {
        let key = cursor.string()?;
        cursor.expect_symbol("=")?;
        Ok((key, cursor.string()?))
    })?;
    let mut options = BTreeMap::new();
    for (key, value) in pairs {
        if let Some(first) = options.insert(key.clone(), value) {
            return Err(DialectError::invalid(format!(
                "The option '{key}' is set twice, first to '{first}'. Keep one."
            )));
        }
    }
    Ok(options)
}

/// Names used in clauses have to be columns; columns of the primary key do not take NULL.
fn check(table: &mut Table) -> Result<(), DialectError> {
    let name = table.name.clone();
    let missing = |clause: &str, column: &str| {
        DialectError::invalid(format!(
            "{clause} of table {name} names {column}, which is not one of its columns."
        ))
    };
    for key in table.primary_key.clone() {
        match table.columns.iter_mut().find(|column| column.name == key) {
            Some(Column {
                kind: ColumnKind::Physical { data_type },
                ..
            }) => {
                *data_type = DataType {
                    nullable: false,
                    ..data_type.clone()
                };
            }
            Some(_) => {
                return Err(DialectError::invalid(format!(
                    "The primary key of table {name} names {key}, which is computed. A key is made of fields of the record."
                )));
            }
            None => return Err(missing("The primary key", &key)),
        }
    }
    for key in table
        .distribution
        .iter()
        .flat_map(|distribution| &distribution.columns)
    {
        if !table.physical_columns().any(|(column, _)| column == key) {
            return Err(missing("The distribution", key));
        }
    }
    match &table.watermark {
        Some(watermark)
            if watermark.column != "$rowtime" && table.column(&watermark.column).is_none() =>
        {
            Err(missing("The watermark", &watermark.column))
        }
        _ if table.physical_columns().next().is_none() => Err(DialectError::invalid(format!(
            "Table {name} has no field: add at least one column that is not computed."
        ))),
        _ => Ok(()),
    }
}
