//! The connector's replication slot: where Postgres remembers what was captured.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Part, PartState, Pipeline};
use crate::store::{self, capture::SlotRow};

/// Unconfirmed write-ahead log that is worth a warning, in bytes: 128 MiB.
const FAR_BEHIND: i64 = 128 << 20;

/// A replication slot of Postgres.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PipelineReplicationSlot)]
pub struct Slot {
    #[schema(examples("debezium_healthcare_slot"))]
    name: String,
    /// Whether the connector is connected to it
    active: bool,
    /// `reserved`, `extended`, `unreserved` or `lost`
    #[schema(required)]
    wal_status: Option<String>,
    /// Bytes of write-ahead log that the connector has not confirmed
    #[schema(required)]
    lag_bytes: Option<i64>,
    /// Bytes of write-ahead log that Postgres keeps for it
    #[schema(required)]
    retained_bytes: Option<i64>,
    /// What threatens the capture, and what to do
    warnings: Vec<String>,
}

impl Pipeline {
    pub(super) async fn replication_slot(&self) -> Part<Slot> {
        let Some(pool) = &self.pool else {
            return Part::not_set("DATABASE_URL");
        };
        let look = async {
            let mut db = pool.acquire().await?;
            let slot = store::capture::slot(&mut db, &self.slot).await?;
            db.release();
            Ok::<_, sqlx::Error>(slot)
        };
        match look.await {
            Ok(Some(row)) => {
                let slot = slot(&self.slot, row);
                let wrong = slot.warnings.first().cloned();
                Part::found(slot, wrong)
            }
            Ok(None) => Part::without(PartState::Degraded, missing(&self.slot)),
            Err(error) => {
                tracing::debug!(%error, "the replication slot");
                Part::unavailable("Postgres does not answer.")
            }
        }
    }
}

/// `snapshot.mode` of the connector is `when_needed`.
fn missing(name: &str) -> String {
    format!(
        "There is no replication slot {name}: nothing is being captured. When the connector starts, it makes the slot and \
         takes a new snapshot by itself; register or restart it (connect/register-connector.sh). Rows that were deleted \
         in the meantime stay in the topics, since a snapshot has only what is there; insert and delete each once more, \
         or start over with ./clean_all.sh."
    )
}

fn slot(name: &str, row: SlotRow) -> Slot {
    let mut warnings = Vec::new();
    match row.wal_status.as_deref() {
        Some("lost") => warnings.push(format!(
            "Postgres has removed write-ahead log that the slot needed, so that the capture cannot go on and a new snapshot \
             is needed. Stop the connector, drop the slot (SELECT pg_drop_replication_slot('{name}')) and resume the \
             connector: it then takes the snapshot by itself. Rows deleted in the meantime stay in the topics."
        )),
        Some("unreserved") => warnings.push(
            "Postgres may remove write-ahead log that the slot still needs (max_slot_wal_keep_size); start the connector \
             soon, or a new snapshot is needed."
                .to_owned(),
        ),
        _ => {}
    }
    if !row.active {
        warnings.push(
            "Nobody reads the replication slot: changes are not captured, and Postgres keeps its write-ahead log until the \
             connector is back."
                .to_owned(),
        );
    }
    if let Some(lag) = row.lag_bytes.filter(|lag| *lag > FAR_BEHIND) {
        warnings.push(format!(
            "The connector is {} MiB of write-ahead log behind.",
            lag >> 20
        ));
    }
    Slot {
        name: name.to_owned(),
        active: row.active,
        wal_status: row.wal_status,
        lag_bytes: row.lag_bytes,
        retained_bytes: row.retained_bytes,
        warnings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_say_what_to_do() {
        let row = SlotRow {
            active: true,
            wal_status: Some("reserved".to_owned()),
            lag_bytes: Some(100),
            retained_bytes: Some(200),
        };
        let check = |row: &SlotRow, words: &[&str]| {
            let warnings = slot("s", row.clone()).warnings;
            assert_eq!(warnings.len(), words.len(), "{warnings:?}");
            for (warning, words) in warnings.iter().zip(words) {
                assert!(warning.contains(words), "{warning}");
            }
        };
        check(&row, &[]);
        let lost = SlotRow {
            active: false,
            wal_status: Some("lost".to_owned()),
            ..row.clone()
        };
        check(&lost, &["pg_drop_replication_slot('s')", "Nobody reads"]);
        let unreserved = SlotRow {
            wal_status: Some("unreserved".to_owned()),
            lag_bytes: Some(200 << 20),
            ..row
        };
        check(&unreserved, &["max_slot_wal_keep_size", "200 MiB"]);
    }
}
