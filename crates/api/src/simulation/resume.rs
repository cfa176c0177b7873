//! A simulation that runs is noted in the database, so that a service that was killed goes on with it: devices do not stop
//! because somebody who listens to them dies. One that is stopped in good order leaves no note.

use std::time::Duration;

use tokio::time::Instant;

use super::{engine::Engine, handle::Scope, handle::StartError};
use crate::{state::Records, store::running_simulation};

/// Between two tries, while something that the simulation needs does not answer.
const PAUSE: Duration = Duration::from_secs(1);

impl Engine {
    /// Goes on with what ran when the service was killed. `self.resume_at` says when to try again, if at all.
    pub(super) async fn resume(&mut self) {
        self.resume_at = None;
        let noted = match noted(&self.parts.records).await {
            Ok(noted) => noted,
            Err(error) => {
                tracing::debug!(%error, "whether a simulation ran is not known yet");
                self.resume_at = Some(Instant::now() + PAUSE);
                return;
            }
        };
        let Some(scope) = noted else { return };
        match self.start(scope).await {
            Ok(()) => tracing::info!("the simulation goes on, which ran when the service ended"),
            Err(StartError::Unavailable(_)) => self.resume_at = Some(Instant::now() + PAUSE),
            Err(error) => {
                tracing::warn!(?error, "the simulation that ran does not go on");
                note(&self.parts.records, None).await;
            }
        }
    }
}

/// What ran, if anything.
async fn noted(records: &Records) -> sqlx::Result<Option<Scope>> {
    let Some(pool) = records.pool() else {
        return Ok(None);
    };
    let noted = running_simulation::get(&mut *pool.acquire().await?).await?;
    Ok(noted.and_then(|patient| match patient {
        None => Some(Scope::All),
        Some(patient) => patient.parse().ok().map(Scope::Single),
    }))
}

/// Notes what runs, or that nothing does. Without the database the last note stands.
pub(super) async fn note(records: &Records, scope: Option<&Scope>) {
    let Some(pool) = records.pool() else {
        return;
    };
    let noted = async {
        let mut db = pool.acquire().await?;
        match scope {
            None => running_simulation::delete(&mut db).await,
            Some(Scope::All) => running_simulation::put(&mut db, None).await,
            Some(Scope::Single(patient)) => {
                running_simulation::put(&mut db, Some(patient.as_str())).await
            }
        }
    };
    if let Err(error) = noted.await {
        tracing::warn!(%error, "whether the simulation runs could not be stored");
    }
}
