//! Rows of the running SELECT statements, in memory, between the SQL Gateway and the client that pages through them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::flink::rows::{Change, Op};

/// SELECT statements at a time: each holds a slot of the cluster and its rows in memory.
pub const SELECTS_MAX: usize = 8;
/// Rows in a page.
const PAGE_ROWS: usize = 1000;
/// Bytes in a page, about; a single larger row still fits.
const PAGE_BYTES: usize = 1024 * 1024;
/// Bytes of one statement that wait for the client; the query stands still while there are more.
const BUFFER_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of a snapshot, which must be whole before its first row is shown.
const SNAPSHOT_BYTES: usize = 64 * 1024 * 1024;

/// The SELECT statements of this process.
#[derive(Debug)]
pub struct Selects {
    free: Arc<Semaphore>,
    open: Mutex<HashMap<String, Select>>,
}

/// A SELECT statement that was begun here.
#[derive(Clone, Debug)]
pub struct Select {
    pub results: Arc<Results>,
    pub stop: CancellationToken,
}

impl Default for Selects {
    fn default() -> Self {
        Self {
            free: Arc::new(Semaphore::new(SELECTS_MAX)),
            open: Mutex::default(),
        }
    }
}

impl Selects {
    /// The right to run one more; `None` when [`SELECTS_MAX`] run.
    pub fn permit(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    pub fn get(&self, statement: &str) -> Option<Select> {
        self.lock().get(statement).cloned()
    }

    pub fn insert(&self, statement: &str) -> Select {
        let select = Select {
            results: Arc::default(),
            stop: CancellationToken::new(),
        };
        self.lock().insert(statement.to_owned(), select.clone());
        select
    }

    /// Ends the query, if it still runs, and forgets its rows.
    pub fn close(&self, statement: &str) {
        if let Some(select) = self.lock().remove(statement) {
            select.stop.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Select>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of one statement: written by its reader, read page by page.
#[derive(Debug, Default)]
pub struct Results {
    state: Mutex<State>,
    taken: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Change>,
    bytes: usize,
    /// True when no row will follow.
    ended: bool,
    /// The page that was given last; it is given again to a client whose answer was lost.
    page: Option<ResultPage>,
}

/// Rows with the number of their page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultPage {
    pub number: u64,
    pub changes: Vec<Change>,
    /// False when this page is the last one.
    pub more: bool,
}

impl Results {
    /// Adds rows once there is room for them.
    pub async fn push(&self, changes: Vec<Change>) {
        loop {
            // Registered before the look, so that a page taken in between is not missed.
            let taken = self.taken.notified();
            if self.lock().bytes < BUFFER_BYTES {
                break;
            }
            taken.await;
        }
        let mut state = self.lock();
        state.bytes += changes.iter().map(|change| change.size).sum::<usize>();
        state.waiting.extend(changes);
    }

    /// Says that there are no further rows.
    pub fn end(&self) {
        self.lock().ended = true;
    }

    /// A page by its number, from 0. `None` for one that is over or has not come: only the last one given can be given
    /// again, and only the one after it is next.
    pub fn page(&self, number: u64) -> Option<ResultPage> {
        let mut state = self.lock();
        let next = match &state.page {
            Some(page) if page.number == number => return Some(page.clone()),
            Some(page) if !page.more => return None,
            Some(page) => page.number + 1,
            None => 0,
        };
        if number != next {
            return None;
        }
        let mut changes = Vec::new();
        let mut bytes = 0;
        while changes.len() < PAGE_ROWS && bytes < PAGE_BYTES {
            let Some(change) = state.waiting.pop_front() else {
                break;
            };
            bytes += change.size;
            changes.push(change);
        }
        state.bytes -= bytes;
        let page = ResultPage {
            number,
            changes,
            more: !(state.ended && state.waiting.is_empty()),
        };
        state.page = Some(page.clone());
        drop(state);
        self.taken.notify_waiters();
        Some(page)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a changelog comes to: the rows that were added and not taken away, in the order in which they came.
#[derive(Debug, Default)]
pub struct Snapshot {
    rows: Vec<Option<Change>>,
    /// Places of a row in `rows`, by its text.
    places: HashMap<String, Vec<usize>>,
    bytes: usize,
}

/// The result is larger than this process keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Snapshot {
    pub fn apply(&mut self, change: Change) -> Result<(), TooLarge> {
        let text = Value::from(change.row.clone()).to_string();
        if change.op.adds() {
            self.bytes += change.size;
            if self.bytes > SNAPSHOT_BYTES {
                return Err(TooLarge);
            }
            self.places.entry(text).or_default().push(self.rows.len());
            self.rows.push(Some(Change {
                op: Op::Insert,
                ..change
            }));
        } else if let Some(place) = self.places.get_mut(&text).and_then(Vec::pop) {
            self.rows[place] = None;
            self.bytes -= change.size;
        }
        Ok(())
    }

    pub fn into_rows(self) -> Vec<Change> {
        self.rows.into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn change(op: Op, text: &str) -> Change {
        Change {
            op,
            row: vec![text.into()],
            size: text.len(),
        }
    }

    #[tokio::test]
    async fn a_page_can_be_asked_for_twice_and_no_row_comes_twice() {
        let results = Results::default();
        results.push(vec![change(Op::Insert, "a")]).await;
        let first = results.page(0).unwrap();
        assert_eq!((first.changes.len(), first.more), (1, true));
        results.push(vec![change(Op::Delete, "a")]).await;
        assert_eq!(results.page(0), Some(first));
        assert_eq!(results.page(2), None);
        results.end();
        let second = results.page(1).unwrap();
        assert_eq!((second.changes.len(), second.more), (1, false));
        assert_eq!(results.page(0), None);
        assert_eq!(results.page(2), None);
    }

    #[tokio::test]
    async fn rows_come_in_pages() {
        let results = Results::default();
        results
            .push(vec![change(Op::Insert, "a"); PAGE_ROWS + 1])
            .await;
        results.end();
        assert_eq!(results.page(0).unwrap().changes.len(), PAGE_ROWS);
        let last = results.page(1).unwrap();
        assert_eq!((last.changes.len(), last.more), (1, false));
    }

    #[tokio::test]
    async fn a_full_buffer_waits_for_its_reader() {
        let results = Results::default();
        let large = || Change {
            op: Op::Insert,
            row: Vec::new(),
            size: BUFFER_BYTES,
        };
        results.push(vec![large()]).await;
        let mut second = Box::pin(results.push(vec![large()]));
        assert!((&mut second).now_or_never().is_none());
        results.page(0).unwrap();
        assert!(second.now_or_never().is_some());
    }

    #[test]
    fn a_snapshot_is_what_is_left() {
        let mut snapshot = Snapshot::default();
        for (op, text) in [
            (Op::Insert, "a"),
            (Op::Insert, "b"),
            (Op::Insert, "a"),
            (Op::UpdateBefore, "b"),
            (Op::UpdateAfter, "c"),
            (Op::Delete, "a"),
            (Op::Delete, "never there"),
        ] {
            snapshot.apply(change(op, text)).unwrap();
        }
        assert_eq!(
            snapshot.into_rows(),
            [change(Op::Insert, "a"), change(Op::Insert, "c")]
        );
    }

    #[test]
    fn a_snapshot_has_a_limit() {
        let mut snapshot = Snapshot::default();
        let half = Change {
            op: Op::Insert,
            row: Vec::new(),
            size: SNAPSHOT_BYTES / 2 + 1,
        };
        snapshot.apply(half.clone()).unwrap();
        assert_eq!(snapshot.apply(half), Err(TooLarge));
    }
}
