use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ObjectName, quote_identifier, quote_string};

/// A table in Confluent's dialect: a topic, its columns, and its options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Name of the table and of its topic.
    pub name: String,
    /// In declared order.
    pub columns: Vec<Column>,
    /// Columns of `PRIMARY KEY (...) NOT ENFORCED`; empty without one.
    pub primary_key: Vec<String>,
    /// `DISTRIBUTED BY ... INTO n BUCKETS`.
    pub distribution: Option<Distribution>,
    /// `WATERMARK FOR ... AS ...`.
    pub watermark: Option<Watermark>,
    /// `WITH (...)`, as written.
    pub options: BTreeMap<String, String>,
    /// `COMMENT '...'` of the table.
    pub comment: Option<String>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, unquoted.
    pub name: String,
    /// Where its values come from.
    pub kind: ColumnKind,
    /// `COMMENT '...'`.
    pub comment: Option<String>,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ColumnKind {
    /// A field of the record's key or value.
    Physical {
        /// Its type, with nullability.
        data_type: DataType,
    },
    /// `name AS expression`.
    Computed {
        /// The expression, comments removed and white space normalised.
        expression: String,
    },
    /// `name type METADATA [FROM 'key'] [VIRTUAL]`.
    Metadata {
        /// Its type, with nullability.
        data_type: DataType,
        /// The metadata key, when it is not the column's name.
        from: Option<String>,
        /// Read only.
        is_virtual: bool,
    },
}

/// A SQL type: its text in canonical spelling, and whether it takes NULL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataType {
    /// For example `STRING`, `DECIMAL(10, 2)`, `ROW<a INT NOT NULL>`; without the outer `NOT NULL`.
    pub sql: String,
    /// Whether NULL is a value of it.
    pub nullable: bool,
}

impl DataType {
    /// A type that takes NULL.
    pub fn nullable(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            nullable: true,
        }
    }

    /// A type that does not take NULL.
    pub fn not_null(sql: impl Into<String>) -> Self {
        Self {
            sql: sql.into(),
            nullable: false,
        }
    }

    /// The type as SQL.
    pub fn to_sql(&self) -> String {
        if self.nullable {
            self.sql.clone()
        } else {
            format!("{} NOT NULL", self.sql)
        }
    }
}

/// How records are spread over the topic's partitions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// Columns of the record's key; empty for `DISTRIBUTED INTO n BUCKETS`.
    pub columns: Vec<String>,
    /// Partitions, when stated.
    pub buckets: Option<u32>,
}

/// Event time of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// The time attribute.
    pub column: String,
    /// The watermark's expression, comments removed and white space normalised.
    pub expression: String,
}

/// `ALTER TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterTable {
    /// The table.
    pub name: ObjectName,
    /// In the order written.
    pub actions: Vec<AlterAction>,
}

/// One change of an `ALTER TABLE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlterAction {
    /// `ADD column AS expression` or `ADD column type METADATA ...`.
    AddColumn(Column),
    /// `ADD WATERMARK ...` or `MODIFY WATERMARK ...`.
    SetWatermark(Watermark),
    /// `DROP WATERMARK`.
    DropWatermark,
    /// `DROP column` or `DROP (column, ...)`: computed and metadata columns.
    DropColumns(Vec<String>),
    /// `SET ('option' = 'value', ...)`.
    SetOptions(BTreeMap<String, String>),
    /// `RESET ('option', ...)`.
    ResetOptions(Vec<String>),
}

impl Table {
    /// The table as Confluent's `SHOW CREATE TABLE` writes it. Parsing the text gives an equal table.
    pub fn to_confluent_sql(&self) -> String {
        let mut parts: Vec<String> = self.columns.iter().map(Column::to_sql).collect();
        if let Some(watermark) = &self.watermark {
            parts.push(watermark.to_sql());
        }
        if !self.primary_key.is_empty() {
            parts.push(format!(
                "PRIMARY KEY ({}) NOT ENFORCED",
                identifier_list(&self.primary_key)
            ));
        }
        let mut sql = format!(
            "CREATE TABLE {} (\n  {}\n)",
            quote_identifier(&self.name),
            parts.join(",\n  ")
        );
        if let Some(comment) = &self.comment {
            sql.push_str(&format!("\nCOMMENT {}", quote_string(comment)));
        }
        if let Some(distribution) = &self.distribution {
            sql.push('\n');
            sql.push_str(&distribution.to_sql());
        }
        if !self.options.is_empty() {
            sql.push_str(&format!("\nWITH (\n  {}\n)", option_list(&self.options)));
        }
        sql
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// The fields of the record, in order: what `INSERT INTO` fills.
    pub fn physical_columns(&self) -> impl Iterator<Item = (&str, &DataType)> {
        self.columns.iter().filter_map(|column| match &column.kind {
            ColumnKind::Physical { data_type } => Some((column.name.as_str(), data_type)),
            ColumnKind::Computed { .. } | ColumnKind::Metadata { .. } => None,
        })
    }
}

impl Column {
    /// A field of the record.
    pub fn physical(name: impl Into<String>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            kind: ColumnKind::Physical { data_type },
            comment: None,
        }
    }

    pub(crate) fn to_sql(&self) -> String {
        let mut sql = quote_identifier(&self.name);
        match &self.kind {
            ColumnKind::Physical { data_type } => sql.push_str(&format!(" {}", data_type.to_sql())),
            ColumnKind::Computed { expression } => sql.push_str(&format!(" AS {expression}")),
            ColumnKind::Metadata {
                data_type,
                from,
                is_virtual,
            } => {
                sql.push_str(&format!(" {} METADATA", data_type.to_sql()));
                if let Some(from) = from {
                    sql.push_str(&format!(" FROM {}", quote_string(from)));
                }
                if *is_virtual {
                    sql.push_str(" VIRTUAL");
                }
            }
        }
        if let Some(comment) = &self.comment {
            sql.push_str(&format!(" COMMENT {}", quote_string(comment)));
        }
        sql
    }
}

impl Watermark {
    pub(crate) fn to_sql(&self) -> String {
        format!(
            "WATERMARK FOR {} AS {}",
            quote_identifier(&self.column),
            self.expression
        )
    }
}

impl Distribution {
    fn to_sql(&self) -> String {
        let mut sql = String::from("DISTRIBUTED");
        if !self.columns.is_empty() {
            sql.push_str(&format!(" BY HASH({})", identifier_list(&self.columns)));
        }
        if let Some(buckets) = self.buckets {
            sql.push_str(&format!(" INTO {buckets} BUCKETS"));
        }
        sql
    }
}

pub(crate) fn identifier_list(names: &[String]) -> String {
    names
        .iter()
        .map(|name| quote_identifier(name))
        .collect::<Vec<_>>()
        .join(", ")
}

pub(crate) fn option_list(options: &BTreeMap<String, String>) -> String {
    options
        .iter()
        .map(|(key, value)| format!("{} = {}", quote_string(key), quote_string(value)))
        .collect::<Vec<_>>()
        .join(",\n  ")
}
