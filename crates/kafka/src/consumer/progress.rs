//! How far a loop has read, and how far it could.

use std::collections::BTreeMap;

use crate::admin::Watermarks;

/// A loop's progress in one topic; empty before it has taken one up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// The id of the topic that is read.
    pub topic_id: String,
    pub partitions: BTreeMap<i32, PartitionProgress>,
}

/// A loop's progress in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionProgress {
    /// The offset of the next record to handle: the effect of those before it is stored.
    pub position: i64,
    /// The offset that the next record gets, as it was at the last check of the topic; `None` when the cluster was not or
    /// could not be asked. After a transaction its marker stands there, which is no record: the lag then stays at 1.
    pub end: Option<i64>,
}

impl PartitionProgress {
    /// Records still to be handled, at most.
    pub fn lag(&self) -> Option<i64> {
        self.end.map(|end| (end - self.position).max(0))
    }
}

impl Progress {
    pub(super) fn start(topic_id: &str, offsets: &BTreeMap<i32, i64>) -> Self {
        let start = |position: &i64| PartitionProgress {
            position: *position,
            end: None,
        };
        Self {
            topic_id: topic_id.to_owned(),
            partitions: offsets
                .iter()
                .map(|(partition, position)| (*partition, start(position)))
                .collect(),
        }
    }

    pub(super) fn advance(&mut self, next_offsets: &BTreeMap<i32, i64>) {
        for (partition, next) in next_offsets {
            if let Some(partition) = self.partitions.get_mut(partition) {
                partition.position = *next;
                // The last check may be older than the record.
                partition.end = partition.end.map(|end| end.max(*next));
            }
        }
    }

    /// `None`: nobody knows.
    pub(super) fn set_ends(&mut self, marks: Option<&BTreeMap<i32, Watermarks>>) {
        for (partition, progress) in &mut self.partitions {
            let end = marks.and_then(|marks| marks.get(partition)).map(|m| m.high);
            progress.end = end.map(|end| end.max(progress.position));
        }
    }
}
