use crate::{DataType, DialectError, quote_identifier};

use super::Cursor;

/// A SQL type as a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqlType {
    pub(crate) root: TypeRoot,
    pub(crate) nullable: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TypeRoot {
    Char(u32),
    Varchar(u32),
    String,
    Boolean,
    Binary(u32),
    Varbinary(u32),
    Bytes,
    Decimal(u32, u32),
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Float,
    Double,
    Date,
    Time(u32),
    Timestamp(u32),
    TimestampLtz(u32),
    Array(Box<SqlType>),
    Map(Box<SqlType>, Box<SqlType>),
    Multiset(Box<SqlType>),
    Row(Vec<(String, SqlType)>),
}

/// Parses a type that stands alone, as in [`DataType::sql`].
pub(crate) fn parse_type(data_type: &DataType) -> Result<SqlType, DialectError> {
    let mut cursor = Cursor::new(&data_type.sql)?;
    let mut parsed = cursor.sql_type()?;
    if !cursor.at_end() {
        return Err(cursor.error("Expected the end of the type"));
    }
    parsed.nullable = data_type.nullable;
    Ok(parsed)
}

impl SqlType {
    pub(crate) fn new(root: TypeRoot, nullable: bool) -> Self {
        Self { root, nullable }
    }

    pub(crate) fn to_data_type(&self) -> DataType {
        DataType {
            sql: self.root.to_sql(),
            nullable: self.nullable,
        }
    }

    fn to_sql(&self) -> String {
        self.to_data_type().to_sql()
    }
}

impl TypeRoot {
    fn to_sql(&self) -> String {
        match self {
            Self::Char(length) => format!("CHAR({length})"),
            Self::Varchar(length) => format!("VARCHAR({length})"),
            Self::String => "STRING".into(),
            Self::Boolean => "BOOLEAN".into(),
            Self::Binary(length) => format!("BINARY({length})"),
            Self::Varbinary(length) => format!("VARBINARY({length})"),
            Self::Bytes => "BYTES".into(),
            Self::Decimal(precision, scale) => format!("DECIMAL({precision}, {scale})"),
            Self::TinyInt => "TINYINT".into(),
            Self::SmallInt => "SMALLINT".into(),
            Self::Int => "INT".into(),
            Self::BigInt => "BIGINT".into(),
            Self::Float => "FLOAT".into(),
            Self::Double => "DOUBLE".into(),
            Self::Date => "DATE".into(),
            Self::Time(precision) => format!("TIME({precision})"),
            Self::Timestamp(precision) => format!("TIMESTAMP({precision})"),
            Self::TimestampLtz(precision) => format!("TIMESTAMP_LTZ({precision})"),
            Self::Array(element) => format!("ARRAY<{}>", element.to_sql()),
            Self::Map(key, value) => format!("MAP<{}, {}>", key.to_sql(), value.to_sql()),
            Self::Multiset(element) => format!("MULTISET<{}>", element.to_sql()),
            Self::Row(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, field)| format!("{} {}", quote_identifier(name), field.to_sql()))
                    .collect();
                format!("ROW<{}>", fields.join(", "))
            }
        }
    }
}

/// A decimal number that Flink can hold.
pub(crate) fn decimal(precision: u32, scale: u32) -> Result<TypeRoot, DialectError> {
    if (1..=38).contains(&precision) && scale <= precision {
        return Ok(TypeRoot::Decimal(precision, scale));
    }
    Err(DialectError::unsupported(
        format!("DECIMAL({precision}, {scale})"),
        "The precision is 1 to 38, and the scale is at most the precision.",
    ))
}

/// Types nest deeper only in nonsense, which must not exhaust the stack.
const MAX_DEPTH: u32 = 32;

impl Cursor<'_> {
    pub(crate) fn data_type(&mut self) -> Result<DataType, DialectError> {
        Ok(self.sql_type()?.to_data_type())
    }

    pub(crate) fn sql_type(&mut self) -> Result<SqlType, DialectError> {
        self.type_at_depth(0)
    }

    fn type_at_depth(&mut self, depth: u32) -> Result<SqlType, DialectError> {
        if depth > MAX_DEPTH {
            return Err(self.error(format!("Types nest at most {MAX_DEPTH} deep")));
        }
        let root = self.type_root(depth)?;
        let nullable = if self.eat_words(&["NOT", "NULL"]) {
            false
        } else {
            self.eat_word("NULL");
            true
        };
        Ok(SqlType { root, nullable })
    }

    fn type_root(&mut self, depth: u32) -> Result<TypeRoot, DialectError> {
        let word = self.peek_text().to_uppercase();
        let unknown = || {
            DialectError::unsupported(
                format!("The type {word}"),
                "Known are STRING, CHAR, VARCHAR, BOOLEAN, BYTES, BINARY, VARBINARY, DECIMAL, TINYINT, SMALLINT, INT, BIGINT, \
                 FLOAT, DOUBLE, DATE, TIME, TIMESTAMP, TIMESTAMP_LTZ, ARRAY, MAP, MULTISET and ROW.",
            )
        };
        if !self
            .peek_text()
            .starts_with(|c: char| c.is_ascii_alphabetic())
        {
            return Err(self.error("Expected a type"));
        }
        self.identifier()?;
        Ok(match word.as_str() {
            "STRING" => TypeRoot::String,
            "CHAR" | "CHARACTER" => TypeRoot::Char(self.size(1)?),
            "VARCHAR" => match self.size(u32::MAX)? {
                // Flink's STRING is VARCHAR of the greatest length.
                length if length >= i32::MAX as u32 => TypeRoot::String,
                length => TypeRoot::Varchar(length),
            },
            "BOOLEAN" => TypeRoot::Boolean,
            "BYTES" => TypeRoot::Bytes,
            "BINARY" => TypeRoot::Binary(self.size(1)?),
            "VARBINARY" => match self.size(u32::MAX)? {
                length if length >= i32::MAX as u32 => TypeRoot::Bytes,
                length => TypeRoot::Varbinary(length),
            },
            "DECIMAL" | "NUMERIC" | "DEC" => {
                let sizes = if self.at_symbol("(") {
                    self.list(Self::number)?
                } else {
                    vec![10]
                };
                let (precision, scale) = match sizes.as_slice() {
                    [precision] => (*precision, 0),
                    [precision, scale] => (*precision, *scale),
                    _ => return Err(self.error("DECIMAL takes a precision and a scale")),
                };
                decimal(precision, scale)?
            }
            "TINYINT" => TypeRoot::TinyInt,
            "SMALLINT" => TypeRoot::SmallInt,
            "INT" | "INTEGER" => TypeRoot::Int,
            "BIGINT" => TypeRoot::BigInt,
            "FLOAT" => TypeRoot::Float,
            "DOUBLE" => {
                self.eat_word("PRECISION");
                TypeRoot::Double
            }
            "DATE" => TypeRoot::Date,
            "TIME" => {
                let precision = self.precision(0)?;
                self.eat_words(&["WITHOUT", "TIME", "ZONE"]);
                TypeRoot::Time(precision)
            }
            "TIMESTAMP" => {
                let precision = self.precision(6)?;
                self.eat_words(&["WITHOUT", "TIME", "ZONE"]);
                if self.eat_words(&["WITH", "LOCAL", "TIME", "ZONE"]) {
                    TypeRoot::TimestampLtz(precision)
                } else {
                    TypeRoot::Timestamp(precision)
                }
            }
            "TIMESTAMP_LTZ" => TypeRoot::TimestampLtz(self.precision(6)?),
            "ARRAY" => TypeRoot::Array(Box::new(self.element(depth)?)),
            "MULTISET" => TypeRoot::Multiset(Box::new(self.element(depth)?)),
            "MAP" => {
                self.expect_symbol("<")?;
                let key = self.type_at_depth(depth + 1)?;
                self.expect_symbol(",")?;
                let value = self.type_at_depth(depth + 1)?;
                self.expect_symbol(">")?;
                TypeRoot::Map(Box::new(key), Box::new(value))
            }
            "ROW" => TypeRoot::Row(self.row_fields(depth)?),
            _ => return Err(unknown()),
        })
    }

    /// `(n)`, or the default.
    fn size(&mut self, default: u32) -> Result<u32, DialectError> {
        if !self.eat_symbol("(") {
            return Ok(default);
        }
        let size = self.number()?;
        self.expect_symbol(")")?;
        Ok(size)
    }

    /// Digits of a second, or the default.
    fn precision(&mut self, default: u32) -> Result<u32, DialectError> {
        match self.size(default)? {
            precision @ 0..=9 => Ok(precision),
            precision => Err(DialectError::unsupported(
                format!("A precision of {precision} digits of a second"),
                "Write 0 to 9; tables of Avro have at most 3.",
            )),
        }
    }

    fn element(&mut self, depth: u32) -> Result<SqlType, DialectError> {
        self.expect_symbol("<")?;
        let element = self.type_at_depth(depth + 1)?;
        self.expect_symbol(">")?;
        Ok(element)
    }

    fn row_fields(&mut self, depth: u32) -> Result<Vec<(String, SqlType)>, DialectError> {
        let close = if self.eat_symbol("<") {
            ">"
        } else {
            self.expect_symbol("(")?;
            ")"
        };
        let mut fields = Vec::new();
        loop {
            let name = self.identifier()?;
            let field = self.type_at_depth(depth + 1)?;
            // A field may carry a comment, which has no bearing on the data.
            if self.at_string() {
                self.string()?;
            }
            fields.push((name, field));
            if !self.eat_symbol(",") {
                break;
            }
        }
        self.expect_symbol(close)?;
        Ok(fields)
    }
}
