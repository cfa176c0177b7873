//! Keeps the lake's statement equal to the list: a topic that appears is taken in, one that was made again begins a new
//! table. The statement exists because somebody asked for it; deleted, it stays away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::plan::table_names;
use super::{Lake, STATEMENT, Wanted};
use crate::engine::{Engine, Problem};
use crate::model::{Jobs, Kind, Phase, Spec, Statement};

/// Pause between two looks at the topics.
const LOOK: Duration = Duration::from_secs(5);
/// Pause between two looks at a job that is being cancelled, and the longest wait for its end.
const CANCEL_POLL: Duration = Duration::from_millis(200);
const CANCEL_LIMIT: Duration = Duration::from_secs(60);

/// Runs until the token is cancelled.
pub async fn run(engine: Arc<Engine>, stop: CancellationToken) {
    let Some(lake) = &engine.lake else {
        return;
    };
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        if let Err(problem) = look(&engine, lake, &mut seen).await {
            tracing::debug!(?problem, "no news about the lake's topics");
        }
    }
}

/// What the look before this one saw.
#[derive(Default)]
struct Seen {
    spec: Option<Spec>,
    absent: BTreeMap<String, String>,
}

async fn look(engine: &Engine, lake: &Lake, seen: &mut Seen) -> Result<(), Problem> {
    let kept = |statement: &Statement| {
        matches!(
            statement.phase,
            Phase::Pending | Phase::Running | Phase::Degraded | Phase::Failed
        )
    };
    let Some(statement) = engine.store.statement(STATEMENT).filter(kept) else {
        seen.spec = None;
        return Ok(());
    };
    let Wanted { spec, absent } = engine.lake_wanted(lake).await?;
    if absent != seen.absent {
        for (table, why) in &absent {
            tracing::info!(
                table,
                why,
                "not in the lake; it is taken in when it is there"
            );
        }
        seen.absent = absent;
    }
    // Tables appear one after the other: they are taken in together once two looks agree.
    if same(&spec, &statement.spec) || seen.spec.as_ref() != Some(&spec) {
        seen.spec = Some(spec);
        return Ok(());
    }
    seen.spec = None;
    engine.replace_lake(spec).await
}

/// Whether a statement does what is wanted.
fn same(wanted: &Spec, now: &Spec) -> bool {
    wanted.statement == now.statement && wanted.properties == now.properties
}

impl Engine {
    /// Creates the lake's statement, or takes up one that failed; one that is as wanted stays as it is.
    pub async fn start_lake(&self, lake: &Lake) -> Result<Wanted, Problem> {
        let wanted = self.lake_wanted(lake).await?;
        let now = self.store.now();
        let new = Statement {
            name: STATEMENT.to_owned(),
            uid: Uuid::new_v4(),
            spec: wanted.spec.clone(),
            labels: BTreeMap::new(),
            kind: Kind::Lake,
            phase: Phase::Pending,
            detail: String::new(),
            created_at: now,
            updated_at: now,
            resource_version: 1,
            jobs: Jobs::default(),
            results: None,
            query: None,
        };
        if self.store.insert_statement(new).await? {
            tracing::info!(tables = ?table_names(&wanted.spec), "the lake is created");
        } else if let Some(found) = self.store.statement(STATEMENT) {
            if found.kind != Kind::Lake {
                return Err(Problem::Refused(format!(
                    "A statement '{STATEMENT}' exists that is not the lake's; delete it first."
                )));
            }
            if found.phase == Phase::Failed || !same(&wanted.spec, &found.spec) {
                self.replace_lake(wanted.spec.clone()).await?;
            }
        }
        Ok(wanted)
    }

    /// Ends the job and lets another one go on where the tables end. The old job's state fits no other set of tables, and
    /// is not needed.
    async fn replace_lake(&self, spec: Spec) -> Result<(), Problem> {
        let _own = self.locks.lock(STATEMENT).await;
        let Some(statement) = self.store.statement(STATEMENT) else {
            return Ok(());
        };
        if matches!(
            statement.phase,
            Phase::Deleting | Phase::Stopping | Phase::Stopped
        ) {
            return Ok(());
        }
        let (before, after) = (table_names(&statement.spec), table_names(&spec));
        tracing::info!(
            added = ?after.difference(&before).collect::<Vec<_>>(),
            removed = ?before.difference(&after).collect::<Vec<_>>(),
            tables = after.len(),
            "the lake changes; its job is replaced"
        );
        self.end_jobs(&statement).await?;
        for id in &statement.jobs.ids {
            self.remove_checkpoints(id).await?;
        }
        let change = |statement: &mut Statement| {
            statement.spec = spec;
            statement.jobs = Jobs::default();
            statement.set_phase(Phase::Pending, "");
        };
        self.store.update_statement(STATEMENT, change).await?;
        Ok(())
    }

    /// Cancels every job of a statement and waits until none can write any more.
    async fn end_jobs(&self, statement: &Statement) -> Result<(), Problem> {
        let ended = async {
            loop {
                let jobs = self.jobs.jobs().await?;
                let alive = crate::engine::alive(statement, &jobs);
                if alive.is_empty() {
                    return Ok::<(), Problem>(());
                }
                for job in alive {
                    self.jobs.cancel(&job.id).await?;
                }
                tokio::time::sleep(CANCEL_POLL).await;
            }
        };
        match tokio::time::timeout(CANCEL_LIMIT, ended).await {
            Ok(result) => result,
            Err(_) => Err(Problem::Later("the lake's job to end".into())),
        }
    }
}
