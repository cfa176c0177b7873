use chrono::{DateTime, Utc};

/// A row and what the database keeps about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Versioned<T> {
    /// The row itself.
    pub value: T,
    /// Starts at 1, plus 1 with each change; the entity tag of HTTP.
    pub version: i64,
    /// When the row was inserted.
    pub created_at: DateTime<Utc>,
    /// When the row was last changed.
    pub updated_at: DateTime<Utc>,
}
