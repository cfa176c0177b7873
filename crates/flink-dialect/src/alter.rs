use crate::{AlterAction, AlterTable, ColumnKind, DialectError, Table, Watermark, same_statement};

/// The table after the changes. Changes that are already there change nothing, so that a prepared table can be
/// prepared again: adding an identical computed column, or setting the watermark it has, returns an equal table.
///
/// # Errors
/// A column of that name with another definition, a watermark on a column that the table does not have, or dropping a
/// field of the record or the column of the watermark.
pub fn apply_alter(table: &Table, alter: &AlterTable) -> Result<Table, DialectError> {
    let mut changed = table.clone();
    for action in &alter.actions {
        apply_action(&mut changed, action)?;
    }
    Ok(changed)
}

fn apply_action(table: &mut Table, action: &AlterAction) -> Result<(), DialectError> {
    match action {
        AlterAction::AddColumn(column) => match table.column(&column.name) {
            None => table.columns.push(column.clone()),
            Some(existing) if same_statement(&existing.to_sql(), &column.to_sql()) => {}
            Some(existing) => {
                return Err(DialectError::invalid(format!(
                    "Table {} already has a column {} (`{}`), which is not the one to add. Drop the table or choose another name.",
                    table.name,
                    column.name,
                    existing.to_sql()
                )));
            }
        },
        AlterAction::SetWatermark(watermark) => {
            if watermark.column != "$rowtime" && table.column(&watermark.column).is_none() {
                return Err(DialectError::invalid(format!(
                    "Table {} has no column {} to put a watermark on. Add the column first.",
                    table.name, watermark.column
                )));
            }
            let same = |current: &Watermark| same_statement(&current.to_sql(), &watermark.to_sql());
            if !table.watermark.as_ref().is_some_and(same) {
                table.watermark = Some(watermark.clone());
            }
        }
        AlterAction::DropWatermark => table.watermark = None,
        AlterAction::DropColumns(names) => {
            for name in names {
                drop_column(table, name)?;
            }
        }
        AlterAction::SetOptions(options) => table.options.extend(options.clone()),
        AlterAction::ResetOptions(keys) => table.options.retain(|key, _| !keys.contains(key)),
    }
    Ok(())
}

/// A column that is absent is no error: it has been dropped before.
fn drop_column(table: &mut Table, name: &str) -> Result<(), DialectError> {
    let Some(at) = table.columns.iter().position(|column| column.name == name) else {
        return Ok(());
    };
    if matches!(table.columns[at].kind, ColumnKind::Physical { .. }) {
        return Err(DialectError::unsupported(
            format!(
                "Dropping {name}, a field of the records of table {},",
                table.name
            ),
            "Only computed and metadata columns can be dropped.",
        ));
    }
    if table
        .watermark
        .as_ref()
        .is_some_and(|watermark| watermark.column == name)
    {
        return Err(DialectError::invalid(format!(
            "The watermark of table {} is on {name}. Drop the watermark first.",
            table.name
        )));
    }
    table.columns.remove(at);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Statement, parse};

    fn altered(sql: &[&str]) -> Result<Table, DialectError> {
        let create = "CREATE TABLE t (ts BIGINT, event_time AS TO_TIMESTAMP_LTZ(ts, 3), WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND)";
        let Ok(Statement::CreateTable(create)) = parse(create) else {
            panic!("{create}")
        };
        sql.iter()
            .try_fold(create.table, |table, sql| match parse(sql)? {
                Statement::AlterTable(alter) => apply_alter(&table, &alter),
                other => panic!("{other:?}"),
            })
    }

    #[test]
    fn what_is_there_already_changes_nothing() {
        let unchanged = altered(&[]).unwrap();
        for sql in [
            "ALTER TABLE t ADD event_time AS TO_TIMESTAMP_LTZ( ts,3 )",
            "ALTER TABLE t MODIFY WATERMARK FOR event_time AS event_time-INTERVAL '5' SECOND",
            "ALTER TABLE t RESET ('kafka.retention.time')",
            "ALTER TABLE t DROP was_never_there",
        ] {
            assert_eq!(altered(&[sql]).unwrap(), unchanged, "{sql}");
        }
        assert_eq!(
            altered(&[
                "ALTER TABLE t ADD (a AS ts, b AS ts)",
                "ALTER TABLE t DROP (a, b)"
            ])
            .unwrap(),
            unchanged
        );
        assert_eq!(
            altered(&["ALTER TABLE t SET ('a' = 'b')", "ALTER TABLE t RESET ('a')"]).unwrap(),
            unchanged
        );
    }

    #[test]
    fn a_contradiction_is_refused() {
        for (sql, expected) in [
            (
                "ALTER TABLE t ADD event_time AS TO_TIMESTAMP_LTZ(ts, 0)",
                "already has a column event_time",
            ),
            ("ALTER TABLE t ADD ts AS 1", "already has a column ts"),
            (
                "ALTER TABLE t MODIFY WATERMARK FOR nowhere AS nowhere",
                "has no column nowhere",
            ),
            ("ALTER TABLE t DROP ts", "a field of the records"),
            ("ALTER TABLE t DROP event_time", "Drop the watermark first"),
        ] {
            let error = altered(&[sql]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        assert_eq!(
            altered(&["ALTER TABLE t DROP WATERMARK"])
                .unwrap()
                .watermark,
            None
        );
    }
}
