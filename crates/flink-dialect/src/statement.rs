use crate::{AlterTable, ObjectName, Table};

/// A parsed statement. Queries are kept as text by their owner; here is what a gateway has to know of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `CREATE TABLE [IF NOT EXISTS] t (...) ...`
    CreateTable(CreateTable),
    /// `ALTER TABLE t ADD|MODIFY|SET ...`
    AlterTable(AlterTable),
    /// `DROP TABLE [IF EXISTS] t`
    DropTable {
        /// The table.
        name: ObjectName,
        /// With `IF EXISTS` an absent table is not an error.
        if_exists: bool,
    },
    /// `INSERT INTO t ...`
    Insert(Insert),
    /// `EXECUTE STATEMENT SET BEGIN INSERT ...; INSERT ...; END`
    StatementSet(Vec<Insert>),
    /// `SELECT ...` or `WITH ... SELECT ...`
    Select,
    /// `SHOW CREATE TABLE t`
    ShowCreateTable(ObjectName),
    /// `SHOW TABLES`
    ShowTables,
    /// `DESCRIBE [EXTENDED] t` or `DESC t`
    Describe(ObjectName),
    /// `EXPLAIN ...`
    Explain,
}

/// The table of a `CREATE TABLE`.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateTable {
    /// The name with its qualifiers; `table.name` has its last part.
    pub name: ObjectName,
    /// With `IF NOT EXISTS` a table that is there is left alone.
    pub if_not_exists: bool,
    /// The definition.
    pub table: Table,
}

/// One `INSERT INTO`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Insert {
    /// The table written to.
    pub target: ObjectName,
    /// `INSERT INTO t VALUES ...`: bounded, and over once the rows are written.
    pub is_values: bool,
}

/// `sql_kind` of the statements API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SqlKind {
    /// `CREATE_TABLE`
    CreateTable,
    /// `ALTER_TABLE`
    AlterTable,
    /// `DROP_TABLE`
    DropTable,
    /// `INSERT_INTO`
    InsertInto,
    /// `STATEMENT_SET`
    StatementSet,
    /// `SELECT`
    Select,
    /// `SHOW_CREATE_TABLE`
    ShowCreateTable,
    /// `SHOW_TABLES`
    ShowTables,
    /// `DESCRIBE`
    Describe,
    /// `EXPLAIN`
    Explain,
}

impl SqlKind {
    /// The name as the statements API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateTable => "CREATE_TABLE",
            Self::AlterTable => "ALTER_TABLE",
            Self::DropTable => "DROP_TABLE",
            Self::InsertInto => "INSERT_INTO",
            Self::StatementSet => "STATEMENT_SET",
            Self::Select => "SELECT",
            Self::ShowCreateTable => "SHOW_CREATE_TABLE",
            Self::ShowTables => "SHOW_TABLES",
            Self::Describe => "DESCRIBE",
            Self::Explain => "EXPLAIN",
        }
    }
}

impl std::fmt::Display for SqlKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Statement {
    /// What kind of statement this is.
    pub fn kind(&self) -> SqlKind {
        match self {
            Self::CreateTable(_) => SqlKind::CreateTable,
            Self::AlterTable(_) => SqlKind::AlterTable,
            Self::DropTable { .. } => SqlKind::DropTable,
            Self::Insert(_) => SqlKind::InsertInto,
            Self::StatementSet(_) => SqlKind::StatementSet,
            Self::Select => SqlKind::Select,
            Self::ShowCreateTable(_) => SqlKind::ShowCreateTable,
            Self::ShowTables => SqlKind::ShowTables,
            Self::Describe(_) => SqlKind::Describe,
            Self::Explain => SqlKind::Explain,
        }
    }
}
