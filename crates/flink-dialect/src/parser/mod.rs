//! A recursive descent parser of the statements that define tables, and of as much of a query as a gateway needs.

mod alter;
mod create;
mod cursor;
mod types;

pub(crate) use cursor::{Cursor, unquote};
pub(crate) use types::{SqlType, TypeRoot, decimal, parse_type};

use crate::tokenizer::{TokenKind, tokenize};
use crate::{DialectError, Insert, ObjectName, Statement};

/// Parses one statement; trailing semicolons are welcome, a second statement is refused.
///
/// # Errors
/// Text that is no statement, or a construct without counterpart (views, catalogs, `SET`, `USE`, ...).
pub fn parse(sql: &str) -> Result<Statement, DialectError> {
    let mut cursor = Cursor::new(sql)?;
    let statement = statement(&mut cursor)?;
    while cursor.eat_symbol(";") {}
    if !cursor.at_end() {
        return Err(cursor.error("One statement at a time: the text goes on after its end"));
    }
    Ok(statement)
}

fn statement(cursor: &mut Cursor<'_>) -> Result<Statement, DialectError> {
    if cursor.at_end() {
        return Err(DialectError::invalid("The statement is empty."));
    }
    // A query may start with parentheses, which then say nothing about its kind.
    if cursor.at_word("SELECT")
        || cursor.at_word("WITH")
        || cursor.at_word("VALUES")
        || cursor.at_symbol("(")
    {
        cursor.skip_query();
        return Ok(Statement::Select);
    }
    if cursor.eat_word("CREATE") {
        return create::create(cursor);
    }
    if cursor.eat_word("ALTER") {
        return alter::alter(cursor);
    }
    if cursor.eat_word("DROP") {
        return drop_table(cursor);
    }
    if cursor.eat_word("INSERT") {
        let insert = insert(cursor)?;
        cursor.skip_query();
        return Ok(Statement::Insert(insert));
    }
    if cursor.eat_word("EXECUTE") {
        return statement_set(cursor);
    }
    if cursor.eat_word("EXPLAIN") {
        cursor.skip_to_end();
        return Ok(Statement::Explain);
    }
    if cursor.eat_word("SHOW") {
        return show(cursor);
    }
    if cursor.eat_word("DESCRIBE") || cursor.eat_word("DESC") {
        cursor.eat_word("EXTENDED");
        return Ok(Statement::Describe(cursor.object_name()?));
    }
    Err(refuse(cursor))
}

/// Statements of Flink that this product has no use for, with what to do instead.
fn refuse(cursor: &Cursor<'_>) -> DialectError {
    let word = cursor.peek_text().to_uppercase();
    let advice = match word.as_str() {
        "SET" | "RESET" => {
            "Send the setting in the statement's properties, for instance sql.state-ttl."
        }
        "USE" => {
            "Send sql.current-catalog and sql.current-database in the statement's properties, or qualify the table's name."
        }
        "UPDATE" | "DELETE" | "TRUNCATE" | "MERGE" => {
            "A table is a topic: change its rows at their source, or insert a row with the same key."
        }
        "CALL" | "LOAD" | "UNLOAD" | "ADD" | "REMOVE" | "ANALYZE" | "COMPILE" | "BEGIN"
        | "STOP" => "Statements are managed through the statements API.",
        _ => {
            return cursor.error(
                "Expected CREATE TABLE, ALTER TABLE, DROP TABLE, INSERT INTO, EXECUTE STATEMENT SET, SELECT, WITH, SHOW, DESCRIBE or EXPLAIN",
            );
        }
    };
    DialectError::unsupported(format!("The statement {word}"), advice)
}

fn drop_table(cursor: &mut Cursor<'_>) -> Result<Statement, DialectError> {
    cursor.expect_object("DROP", "TABLE", "Only tables can be dropped.")?;
    let if_exists = cursor.eat_words(&["IF", "EXISTS"]);
    Ok(Statement::DropTable {
        name: cursor.object_name()?,
        if_exists,
    })
}

fn show(cursor: &mut Cursor<'_>) -> Result<Statement, DialectError> {
    if cursor.eat_word("TABLES") {
        for filter in ["FROM", "IN", "LIKE", "NOT"] {
            if cursor.at_word(filter) {
                return Err(DialectError::unsupported(
                    format!("SHOW TABLES {filter}"),
                    "Write SHOW TABLES, and choose from its rows.",
                ));
            }
        }
        return Ok(Statement::ShowTables);
    }
    if cursor.eat_words(&["CREATE", "TABLE"]) {
        return Ok(Statement::ShowCreateTable(cursor.object_name()?));
    }
    Err(DialectError::unsupported(
        format!("SHOW {}", cursor.peek_text().to_uppercase()),
        "Write SHOW TABLES or SHOW CREATE TABLE.",
    ))
}

/// After `INSERT`, up to where the query starts.
fn insert(cursor: &mut Cursor<'_>) -> Result<Insert, DialectError> {
    if cursor.at_word("OVERWRITE") {
        return Err(DialectError::unsupported(
            "INSERT OVERWRITE",
            "A topic cannot be replaced. Write INSERT INTO, or drop the table first.",
        ));
    }
    cursor.expect_word("INTO")?;
    let target = cursor.object_name()?;
    if cursor.at_word("PARTITION") {
        return Err(DialectError::unsupported(
            "PARTITION of INSERT INTO",
            "Topics have no SQL partitions: leave it out.",
        ));
    }
    if cursor.at_symbol("(") && !cursor.query_in_parentheses() {
        cursor.skip_parentheses()?;
    }
    if cursor.at_end() || cursor.at_symbol(";") {
        return Err(cursor.error("Expected VALUES or a query after the table of INSERT INTO"));
    }
    Ok(Insert {
        target,
        is_values: cursor.at_word("VALUES"),
    })
}

fn statement_set(cursor: &mut Cursor<'_>) -> Result<Statement, DialectError> {
    if !cursor.eat_words(&["STATEMENT", "SET", "BEGIN"]) {
        return Err(cursor.error("Expected STATEMENT SET BEGIN after EXECUTE"));
    }
    let mut inserts = Vec::new();
    while cursor.eat_word("INSERT") {
        inserts.push(insert(cursor)?);
        cursor.skip_query();
        if !cursor.eat_symbol(";") {
            return Err(cursor.error("Expected a semicolon after each INSERT of the statement set"));
        }
    }
    if inserts.is_empty() {
        return Err(cursor.error("Expected INSERT INTO in the statement set"));
    }
    cursor.expect_word("END")?;
    Ok(Statement::StatementSet(inserts))
}

/// Splits a script (a `prepare` file) into its statements, by semicolons outside strings, comments and statement sets.
/// Statements are trimmed; comments before a statement stay with it; parts without a statement are left out.
pub fn split_statements(sql: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let (mut start, mut has_content, mut in_set) = (0, false, false);
    let mut words: Vec<String> = Vec::new();
    for token in tokenize(sql) {
        if token.kind == TokenKind::Symbol && token.text(sql) == ";" && !in_set {
            if has_content {
                statements.push(sql[start..token.span.start].trim());
            }
            (start, has_content) = (token.span.end, false);
            words.clear();
        } else if token.is_significant() {
            has_content = true;
            words.push(token.text(sql).to_uppercase());
            if words == ["EXECUTE", "STATEMENT", "SET", "BEGIN"] {
                in_set = true;
            }
            // END closes the set only where an INSERT could start; CASE has its own END elsewhere.
            if let [.., before, last] = words.as_slice()
                && (before == ";" || before == "BEGIN")
                && last == "END"
            {
                in_set = false;
            }
        }
    }
    if has_content {
        statements.push(sql[start..].trim());
    }
    statements
}

/// A name as written in SQL: one, two or three parts.
pub(crate) fn object_name_of(mut parts: Vec<String>) -> Option<ObjectName> {
    let table = parts.pop()?;
    let database = parts.pop();
    let catalog = parts.pop();
    parts.is_empty().then_some(ObjectName {
        catalog,
        database,
        table,
    })
}
