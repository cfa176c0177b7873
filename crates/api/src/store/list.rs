//! Filtered and sorted lists, page by page, of any table that says how.
//!
//! A page begins after the sort key and the identifier of the last row of the page before, so that rows that come,
//! go or change meanwhile neither shift the pages nor end them.

use hc_domain::Versioned;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, Row as _, postgres::PgRow};

/// How a table is listed. All SQL in it is fixed text.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) id: Sort,
    /// What else it can be sorted by.
    pub(crate) others: &'static [Sort],
    /// Conditions with the value between the two parts.
    pub(crate) of_patient: (&'static str, &'static str),
    pub(crate) of_device: (&'static str, &'static str),
    /// What a text is searched in.
    pub(crate) text: &'static [&'static str],
}

/// A field to sort by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    /// Its name over HTTP.
    pub(crate) field: &'static str,
    /// Its value in SQL, never null.
    pub(crate) sql: &'static str,
    /// The type of the value, to read a key back.
    pub(crate) of_type: &'static str,
}

impl Sort {
    pub(crate) const fn new(field: &'static str, sql: &'static str, of_type: &'static str) -> Self {
        Self {
            field,
            sql,
            of_type,
        }
    }
}

/// What all tables can be sorted by.
pub(crate) const CREATED: Sort = Sort::new("createdAt", "created_at", "timestamptz");
pub(crate) const UPDATED: Sort = Sort::new("updatedAt", "updated_at", "timestamptz");

impl Table {
    pub(crate) fn sorts(&'static self) -> impl Iterator<Item = &'static Sort> {
        std::iter::once(&self.id).chain(self.others)
    }

    pub(crate) fn sort(&'static self, field: &str) -> Option<&'static Sort> {
        self.sorts().find(|sort| sort.field == field)
    }
}

/// The order of a list; rows with the same key are in the order of their identifiers.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    pub(crate) by: &'static Sort,
    pub(crate) descending: bool,
    /// Whether the key is the identifier.
    pub(crate) is_id: bool,
}

/// The last row of the page before.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    pub(crate) id: &'a str,
    /// Its sort key, unless that is the identifier.
    pub(crate) key: Option<&'a str>,
}

/// What to list.
#[derive(Debug, Clone, Copy)]
pub struct List<'a> {
    pub(crate) table: &'static Table,
    pub(crate) patient_id: Option<&'a str>,
    pub(crate) device_id: Option<&'a str>,
    pub(crate) text: Option<&'a str>,
    pub(crate) order: Order,
    pub(crate) after: Option<Cursor<'a>>,
    /// Rows of a page.
    pub(crate) limit: u16,
}

/// A page of rows.
#[derive(Debug)]
pub struct Found<T> {
    pub rows: Vec<T>,
    pub rest: Rest,
}

/// What comes after a page.
#[derive(Debug)]
pub enum Rest {
    Nothing,
    /// More rows, beyond this sort key as text, unless that is the identifier.
    After(Option<String>),
}

pub(super) async fn fetch<R, T>(
    db: &mut PgConnection,
    list: &List<'_>,
) -> sqlx::Result<Found<Versioned<T>>>
where
    R: for<'r> FromRow<'r, PgRow> + TryInto<Versioned<T>, Error = sqlx::Error>,
{
    let rows = query(list).build().fetch_all(db).await?;
    let (page, beyond) = rows.split_at(rows.len().min(list.limit.into()));
    let rest = match page.last().filter(|_| !beyond.is_empty()) {
        None => Rest::Nothing,
        Some(_) if list.order.is_id => Rest::After(None),
        Some(last) => Rest::After(last.try_get("sort_key")?),
    };
    let rows: sqlx::Result<_> = page
        .iter()
        .map(|row| R::from_row(row)?.try_into())
        .collect();
    Ok(Found { rows: rows?, rest })
}

/// One row more than the page has tells whether there are more.
fn query(list: &List<'_>) -> QueryBuilder<Postgres> {
    let (table, by) = (list.table, list.order.by);
    let id = table.id.sql;
    let mut sql = QueryBuilder::new("SELECT *");
    if !list.order.is_id {
        sql.push(", (").push(by.sql).push(")::text AS sort_key");
    }
    sql.push(" FROM ").push(table.name).push(" WHERE true");
    let conditions = [
        (table.of_patient, list.patient_id),
        (table.of_device, list.device_id),
    ];
    for ((before, after), value) in conditions {
        if let Some(value) = value {
            sql.push(" AND ").push(before);
            sql.push_bind(value.to_owned()).push(after);
        }
    }
    if let Some(text) = list.text {
        let pattern = format!("%{}%", escaped(text));
        for (index, column) in table.text.iter().enumerate() {
            sql.push(if index == 0 { " AND (" } else { " OR " });
            sql.push(column).push(" ILIKE ").push_bind(pattern.clone());
        }
        sql.push(")");
    }
    let (beyond, direction) = if list.order.descending {
        (" < ", " DESC")
    } else {
        (" > ", " ASC")
    };
    if let Some(cursor) = list.after {
        sql.push(" AND (").push(by.sql).push(", ").push(id);
        sql.push(")").push(beyond).push("(");
        sql.push_bind(cursor.key.unwrap_or(cursor.id).to_owned());
        sql.push("::text::").push(by.of_type).push(", ");
        sql.push_bind(cursor.id.to_owned()).push(")");
    }
    sql.push(" ORDER BY ").push(by.sql).push(direction);
    sql.push(", ").push(id).push(direction);
    sql.push(" LIMIT ").push_bind(i64::from(list.limit) + 1);
    sql
}

/// The text with the signs that LIKE gives a meaning to taken literally.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
