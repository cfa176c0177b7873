use crate::{AlterAction, AlterTable, ColumnKind, DialectError, Statement};

use super::{Cursor, create};

/// After `ALTER`.
pub(super) fn alter(cursor: &mut Cursor<'_>) -> Result<Statement, DialectError> {
    cursor.expect_object("ALTER", "TABLE", "Only tables can be altered.")?;
    let name = cursor.object_name()?;
    let actions = if cursor.eat_word("ADD") {
        additions(cursor, true)?
    } else if cursor.eat_word("MODIFY") {
        additions(cursor, false)?
    } else if cursor.eat_word("DROP") {
        vec![dropped(cursor)?]
    } else if cursor.eat_word("SET") {
        vec![AlterAction::SetOptions(create::options(cursor)?)]
    } else if cursor.eat_word("RESET") {
        vec![AlterAction::ResetOptions(cursor.list(Cursor::string)?)]
    } else if cursor.at_word("RENAME") {
        return Err(DialectError::unsupported(
            "ALTER TABLE ... RENAME",
            "A topic keeps its name: create a table with the new name and fill it from the old one.",
        ));
    } else {
        return Err(cursor.error("Expected ADD, MODIFY, DROP, SET or RESET"));
    };
    Ok(Statement::AlterTable(AlterTable { name, actions }))
}

/// After `DROP`: the watermark, or columns.
fn dropped(cursor: &mut Cursor<'_>) -> Result<AlterAction, DialectError> {
    if cursor.eat_word("WATERMARK") {
        return Ok(AlterAction::DropWatermark);
    }
    for fixed in ["CONSTRAINT", "PRIMARY", "DISTRIBUTION", "PARTITION"] {
        if cursor.at_word(fixed) {
            return Err(DialectError::unsupported(
                format!("ALTER TABLE ... DROP {fixed}"),
                FIXED,
            ));
        }
    }
    if cursor.at_symbol("(") {
        return cursor
            .list(Cursor::identifier)
            .map(AlterAction::DropColumns);
    }
    cursor.eat_word("COLUMN");
    Ok(AlterAction::DropColumns(vec![cursor.identifier()?]))
}

const FIXED: &str = "Keys and partitions are fixed when the table is created.";

/// One item, or a list of them in parentheses.
fn additions(cursor: &mut Cursor<'_>, adding: bool) -> Result<Vec<AlterAction>, DialectError> {
    if cursor.at_symbol("(") {
        return cursor.list(|cursor| addition(cursor, adding));
    }
    Ok(vec![addition(cursor, adding)?])
}

fn addition(cursor: &mut Cursor<'_>, adding: bool) -> Result<AlterAction, DialectError> {
    if cursor.eat_words(&["WATERMARK", "FOR"]) {
        return create::watermark(cursor).map(AlterAction::SetWatermark);
    }
    if !adding {
        return Err(DialectError::unsupported(
            format!("ALTER TABLE ... MODIFY {}", cursor.peek_text()),
            "Only MODIFY WATERMARK is. A computed column can be dropped and added again.",
        ));
    }
    for constraint in ["CONSTRAINT", "PRIMARY", "DISTRIBUTION"] {
        if cursor.at_word(constraint) {
            return Err(DialectError::unsupported(
                format!("ALTER TABLE ... ADD {constraint}"),
                FIXED,
            ));
        }
    }
    cursor.eat_word("COLUMN");
    let (column, _) = create::column(cursor)?;
    if matches!(column.kind, ColumnKind::Physical { .. }) {
        return Err(DialectError::unsupported(
            format!("Adding the field {} with ALTER TABLE", column.name),
            "Evolve the Avro schema of the topic instead; computed columns (name AS expression) can be added.",
        ));
    }
    if cursor.at_word("FIRST") || cursor.at_word("AFTER") {
        return Err(DialectError::unsupported(
            format!("{} in ALTER TABLE", cursor.peek_text().to_uppercase()),
            "A column is added at the end.",
        ));
    }
    Ok(AlterAction::AddColumn(column))
}
