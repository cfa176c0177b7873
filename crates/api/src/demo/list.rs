//! Lists without a database: the same filters and orders as [`crate::store::list`], over a handful of rows.

use std::cmp::Ordering;

use hc_domain::Versioned;
use serde::Serialize;
use serde_json::Value;

use super::Demo;
use crate::{
    http::body::camel_case,
    store::list::{Found, List, Rest},
};

impl Demo {
    /// One page of the rows. `show` is what clients see of a row, which filters and orders are about.
    pub(crate) fn list<T: Clone, J: Serialize>(
        &self,
        rows: &[T],
        list: &List<'_>,
        show: impl Fn(Versioned<T>) -> J,
    ) -> Found<Versioned<T>> {
        let mut shown: Vec<(Value, Versioned<T>)> = rows
            .iter()
            .map(|row| self.versioned(row.clone()))
            .map(|row| {
                let json = serde_json::to_value(show(row.clone())).unwrap_or_default();
                (json, row)
            })
            .filter(|(json, _)| self.is_wanted(json, list))
            .collect();
        let (id, by) = (list.table.id.field, list.order.by.field);
        shown.sort_by(|(a, _), (b, _)| {
            let order = compare(&a[by], &b[by]).then_with(|| compare(&a[id], &b[id]));
            if list.order.descending {
                order.reverse()
            } else {
                order
            }
        });
        // These rows never change, so the row that a page ended with is still there.
        let start = list.after.map_or(0, |cursor| {
            shown
                .iter()
                .position(|(json, _)| json[id] == cursor.id)
                .map_or(shown.len(), |index| index + 1)
        });
        let mut page = shown.split_off(start);
        let beyond = page.split_off(page.len().min(list.limit.into()));
        let rest = match page.last() {
            Some((json, _)) if !beyond.is_empty() => {
                Rest::After((!list.order.is_id).then(|| text(&json[by])))
            }
            _ => Rest::Nothing,
        };
        let rows = page.into_iter().map(|(_, row)| row).collect();
        Found { rows, rest }
    }

    fn is_wanted(&self, row: &Value, list: &List<'_>) -> bool {
        let of_device = |id: &str| match row.get("deviceId") {
            Some(device) => device == id,
            None => self.devices.iter().any(|device| {
                device.device_id.as_str() == id
                    && device
                        .patient_id
                        .as_ref()
                        .is_some_and(|patient| row["patientId"] == patient.as_str())
            }),
        };
        let has_text = |wanted: &str| {
            let wanted = wanted.to_lowercase();
            let has = |value: &Value| text(value).to_lowercase().contains(&wanted);
            list.table
                .text
                .iter()
                .any(|column| has(&row[camel_case(column)]))
        };
        list.patient_id.is_none_or(|id| row["patientId"] == id)
            && list.device_id.is_none_or(of_device)
            && list.text.is_none_or(has_text)
    }
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        _ => text(a).cmp(&text(b)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
