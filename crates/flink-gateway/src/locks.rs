//! One lock per name, made when first asked for and forgotten when nobody holds it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;

/// Locks by name.
#[derive(Debug, Default)]
pub struct Locks {
    by_name: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Locks {
    /// Waits for the lock of a name.
    pub async fn lock(&self, name: &str) -> OwnedMutexGuard<()> {
        self.entry(name).lock_owned().await
    }

    /// The lock of a name if it is free.
    pub fn try_lock(&self, name: &str) -> Option<OwnedMutexGuard<()>> {
        self.entry(name).try_lock_owned().ok()
    }

    fn entry(&self, name: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut by_name = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        by_name.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = by_name.get(name).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::new(tokio::sync::Mutex::new(()));
        by_name.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn names_exclude_only_themselves() {
        let locks = Locks::default();
        let held = locks.lock("a").await;
        assert!(locks.try_lock("a").is_none());
        assert!(locks.try_lock("b").is_some());
        drop(held);
        assert!(locks.try_lock("a").is_some());
    }
}
