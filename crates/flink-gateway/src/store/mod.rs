//! Statements and tables, on disk and in memory. Memory is the disk's copy: a change is written first.

mod files;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Utc};
use hc_flink_dialect::Table;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, watch};

use crate::model::Statement;
use files::Folder;

/// Reads the time; tests pass their own.
pub type Clock = fn() -> DateTime<Utc>;

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
    #[error(
        "{} is not readable ({error}); mend it or move it away: a job of its statement may be running",
        path.display()
    )]
    Damaged {
        path: PathBuf,
        error: serde_json::Error,
    },
    #[error("the store {} is in use by another gateway; stop that one first", .0.display())]
    InUse(PathBuf),
}

impl StoreError {
    fn io(path: &Path, error: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            error,
        }
    }
}

/// Where a table comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// By CREATE TABLE: topic and subjects go with the table.
    Created,
    /// From the subjects of a topic that somebody else owns: never deleted from here.
    External,
}

/// A table in the store: one JSON file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoredTable {
    pub origin: Origin,
    pub table: Table,
    pub created_at: DateTime<Utc>,
}

/// The durable state of the gateway.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    statements: Shelf<Statement>,
    tables: Shelf<StoredTable>,
    clock: Clock,
    revision: watch::Sender<u64>,
    /// Held as long as the process lives; the system frees it when the process dies in whatever way.
    _lock: File,
}

#[derive(Debug)]
struct Shelf<T> {
    folder: Arc<Folder>,
    objects: RwLock<BTreeMap<String, T>>,
    /// One writer at a time, so that disk and memory change in the same order.
    writer: Mutex<()>,
}

impl Store {
    /// Opens the store, made if absent, and locks it.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, StoreError> {
        fs::create_dir_all(dir).map_err(|error| StoreError::io(dir, error))?;
        let lock = lock(dir)?;
        Ok(Self {
            inner: Arc::new(Inner {
                statements: Shelf::open(dir.join("statements"), |statement: &Statement| {
                    statement.name.clone()
                })?,
                tables: Shelf::open(dir.join("tables"), |stored: &StoredTable| {
                    stored.table.name.clone()
                })?,
                clock,
                revision: watch::Sender::new(0),
                _lock: lock,
            }),
        })
    }

    /// The time, as the store stamps it.
    pub fn now(&self) -> DateTime<Utc> {
        (self.inner.clock)()
    }

    /// Changes whenever a statement does.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.revision.subscribe()
    }

    pub fn statement(&self, name: &str) -> Option<Statement> {
        self.inner.statements.get(name)
    }

    /// In the order of their names.
    pub fn statements(&self) -> Vec<Statement> {
        self.inner.statements.all()
    }

    /// Adds a statement unless one of its name exists; says whether it was added.
    pub async fn insert_statement(&self, statement: Statement) -> Result<bool, StoreError> {
        let shelf = &self.inner.statements;
        let _writing = shelf.writer.lock().await;
        if shelf.get(&statement.name).is_some() {
            return Ok(false);
        }
        shelf.write(statement.name.clone(), statement).await?;
        self.changed();
        Ok(true)
    }

    /// Changes a statement and gives the new form; `None` when it does not exist (any more).
    /// The version is raised only when something differs.
    pub async fn update_statement(
        &self,
        name: &str,
        change: impl FnOnce(&mut Statement),
    ) -> Result<Option<Statement>, StoreError> {
        let shelf = &self.inner.statements;
        let _writing = shelf.writer.lock().await;
        let Some(before) = shelf.get(name) else {
            return Ok(None);
        };
        let mut after = before.clone();
        change(&mut after);
        if after != before {
            after.resource_version = before.resource_version + 1;
            after.updated_at = self.now();
            shelf.write(name.to_owned(), after.clone()).await?;
            self.changed();
        }
        Ok(Some(after))
    }

    pub async fn remove_statement(&self, name: &str) -> Result<(), StoreError> {
        let _writing = self.inner.statements.writer.lock().await;
        self.inner.statements.remove(name).await?;
        self.changed();
        Ok(())
    }

    pub fn table(&self, name: &str) -> Option<StoredTable> {
        self.inner.tables.get(name)
    }

    /// In the order of their names.
    pub fn tables(&self) -> Vec<StoredTable> {
        self.inner.tables.all()
    }

    /// Adds or replaces a table.
    pub async fn put_table(&self, stored: StoredTable) -> Result<(), StoreError> {
        let _writing = self.inner.tables.writer.lock().await;
        self.inner
            .tables
            .write(stored.table.name.clone(), stored)
            .await
    }

    pub async fn remove_table(&self, name: &str) -> Result<(), StoreError> {
        let _writing = self.inner.tables.writer.lock().await;
        self.inner.tables.remove(name).await
    }

    fn changed(&self) {
        self.inner.revision.send_modify(|revision| *revision += 1);
    }
}

impl<T: Clone + Serialize + DeserializeOwned + Send + 'static> Shelf<T> {
    fn open(path: PathBuf, name: impl Fn(&T) -> String) -> Result<Self, StoreError> {
        let folder = Folder::open(path)?;
        let objects = folder
            .load()?
            .into_iter()
            .map(|object| (name(&object), object))
            .collect();
        Ok(Self {
            folder: Arc::new(folder),
            objects: RwLock::new(objects),
            writer: Mutex::new(()),
        })
    }

    fn get(&self, name: &str) -> Option<T> {
        self.objects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
    }

    fn all(&self) -> Vec<T> {
        self.objects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    async fn write(&self, name: String, object: T) -> Result<(), StoreError> {
        let folder = Arc::clone(&self.folder);
        let (name, object) = off_the_runtime(move || {
            folder.write(&name, &object)?;
            Ok((name, object))
        })
        .await?;
        self.objects
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, object);
        Ok(())
    }

    async fn remove(&self, name: &str) -> Result<(), StoreError> {
        let folder = Arc::clone(&self.folder);
        let owned = name.to_owned();
        off_the_runtime(move || folder.remove(&owned)).await?;
        self.objects
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
        Ok(())
    }
}

/// A sync to disk takes milliseconds to seconds; other requests do not wait for it.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::io(Path::new("store"), io::Error::other(error))),
    }
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let path = dir.join("lock");
    let file = File::create(&path).map_err(|error| StoreError::io(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse(dir.to_owned())),
        Err(TryLockError::Error(error)) => Err(StoreError::io(&path, error)),
    }
}
