//! Keeps what Flink runs equal to what the store says: crash-only, so that a start is a recovery.
//!
//! One look at the JobManager's list per round serves all statements. Nothing here depends on having seen an event:
//! every round starts from the store and the list.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;
use tokio_util::sync::CancellationToken;

use crate::checkpoints;
use crate::engine::{Engine, Stopping};
use crate::flink::job_manager::Job;
use crate::model::{Kind, Phase, Statement};
use crate::phase::{Action, decide};

/// Pause between rounds while something is changing.
const BUSY_PAUSE: Duration = Duration::from_millis(150);
/// Pause between rounds while all is well.
const IDLE_PAUSE: Duration = Duration::from_millis(1000);
/// How long a job must be missing before it counts as lost.
const ABSENT_FOR: Duration = Duration::from_secs(1);
/// How long the JobManager must be away before its statements count as degraded.
const AWAY_FOR: Duration = Duration::from_secs(3);
/// Pause between two submissions of one statement.
const RESUBMIT_PAUSE: Duration = Duration::from_secs(5);
/// Pause between two tries of a statement that waits for a server.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// How long a lost job of the lake waits for the others: they are what a person looks at.
const LAKE_YIELDS: Duration = Duration::from_secs(30);

/// What the loop remembers between rounds; losing it costs a second, not correctness.
#[derive(Debug, Default)]
struct Memory {
    absent_since: HashMap<String, Instant>,
    last_try: HashMap<String, Instant>,
    stopping: HashMap<String, Stopping>,
    /// True while a statement other than the lake's does not run.
    others_busy: bool,
    /// Since when the JobManager does not answer.
    away_since: Option<Instant>,
}

impl Memory {
    /// True when the last try of this statement is long enough ago; the try is noted.
    fn may_try(&mut self, name: &str, pause: Duration) -> bool {
        let due = self
            .last_try
            .get(name)
            .is_none_or(|last| last.elapsed() >= pause);
        if due {
            self.last_try.insert(name.to_owned(), Instant::now());
        }
        due
    }

    fn absent_for(&self, name: &str) -> Duration {
        self.absent_since
            .get(name)
            .map_or(Duration::ZERO, Instant::elapsed)
    }

    fn forget(&mut self, name: &str) {
        self.absent_since.remove(name);
        self.last_try.remove(name);
        self.stopping.remove(name);
    }
}

/// Runs until the token is cancelled.
pub async fn run(engine: Arc<Engine>, stop: CancellationToken) {
    let mut memory = Memory::default();
    let mut changes = engine.store.changes();
    loop {
        changes.mark_unchanged();
        let busy = round(&engine, &mut memory).await;
        let pause = tokio::time::sleep(if busy { BUSY_PAUSE } else { IDLE_PAUSE });
        tokio::select! {
            () = stop.cancelled() => return,
            () = pause => {}
            // A new statement does not wait for an idle round, but rounds never follow each other without a pause.
            _ = changes.changed(), if !busy => tokio::time::sleep(BUSY_PAUSE).await,
        }
    }
}

/// One look at everything; `true` when something is on its way.
async fn round(engine: &Arc<Engine>, memory: &mut Memory) -> bool {
    let statements = engine.store.statements();
    let live: Vec<Statement> = statements
        .into_iter()
        .filter(|statement| !statement.phase.is_final())
        .collect();
    if live.is_empty() {
        return false;
    }
    let wants_jobs =
        |statement: &Statement| statement.kind.has_job() || statement.phase == Phase::Stopping;
    let jobs = if live.iter().any(wants_jobs) {
        look(engine, memory).await
    } else {
        None
    };
    let busy = live
        .iter()
        .any(|statement| statement.phase != Phase::Running);
    memory.others_busy = live
        .iter()
        .any(|statement| statement.kind != Kind::Lake && statement.phase != Phase::Running);
    for statement in live {
        // Whoever holds the lock is at work on it.
        if let Some(own) = engine.locks.try_lock(&statement.name) {
            step(engine, memory, statement, jobs.as_deref(), own).await;
        }
    }
    busy && jobs.is_some()
}

/// The JobManager's list; `None` while it is away, when nothing is concluded about any job.
async fn look(engine: &Engine, memory: &mut Memory) -> Option<Vec<Job>> {
    match engine.jobs.jobs().await {
        Ok(jobs) => {
            if memory.away_since.take().is_some() {
                tracing::info!("the JobManager is back");
            }
            Some(jobs)
        }
        Err(error) => {
            memory.absent_since.clear();
            let away_since = *memory.away_since.get_or_insert_with(|| {
                tracing::warn!(%error, "no news about jobs; waiting");
                Instant::now()
            });
            if away_since.elapsed() >= AWAY_FOR {
                degrade_all(engine, &format!("waiting: {error}")).await;
            }
            None
        }
    }
}

/// Without a JobManager nothing runs; what it says once it is back decides what happens to each statement.
async fn degrade_all(engine: &Engine, detail: &str) {
    for statement in engine.store.statements() {
        if statement.phase == Phase::Running {
            set(engine, &statement.name, Phase::Degraded, detail.to_owned()).await;
        }
    }
}

async fn step(
    engine: &Arc<Engine>,
    memory: &mut Memory,
    listed: Statement,
    jobs: Option<&[Job]>,
    own: OwnedMutexGuard<()>,
) {
    // The list of statements is older than the lock.
    let Some(statement) = engine.store.statement(&listed.name) else {
        return;
    };
    let name = statement.name.clone();
    match statement.phase {
        Phase::Deleting => {
            if engine.remove_locked(&name).await {
                memory.forget(&name);
            }
        }
        Phase::Stopping => {
            if let Some(jobs) = jobs
                && arrived(memory, &statement, jobs)
            {
                let stopping = memory.stopping.entry(name.clone()).or_default();
                if engine.stop_locked(&statement, jobs, stopping).await {
                    memory.forget(&name);
                }
            }
        }
        _ if !statement.kind.has_job() || statement.jobs.ids.is_empty() => {
            if statement.phase == Phase::Pending && memory.may_try(&name, RETRY_PAUSE) {
                let engine = Arc::clone(engine);
                tokio::spawn(async move {
                    let _own = own;
                    engine.execute_locked(&name).await;
                });
            }
        }
        _ => {
            if let Some(jobs) = jobs {
                watch(engine, memory, statement, jobs, own).await;
            }
        }
    }
}

/// False while a submission may be on its way: the id is stored before it, and the JobManager does not list it yet.
fn arrived(memory: &mut Memory, statement: &Statement, jobs: &[Job]) -> bool {
    let listed = jobs
        .iter()
        .any(|job| Some(job.id.as_str()) == statement.jobs.current());
    if listed || statement.jobs.seen || statement.jobs.ids.is_empty() {
        return true;
    }
    let since = memory.absent_since.entry(statement.name.clone());
    since.or_insert_with(Instant::now).elapsed() >= ABSENT_FOR
}

/// Compares a statement with its job.
async fn watch(
    engine: &Arc<Engine>,
    memory: &mut Memory,
    statement: Statement,
    jobs: &[Job],
    own: OwnedMutexGuard<()>,
) {
    let name = statement.name.clone();
    let present = jobs
        .iter()
        .any(|job| Some(job.id.as_str()) == statement.jobs.current() && !job.state.is_terminal());
    let absent_before = if present {
        memory.absent_since.remove(&name);
        false
    } else {
        memory
            .absent_since
            .entry(name.clone())
            .or_insert_with(Instant::now)
            .elapsed()
            >= ABSENT_FOR
    };
    match decide(&statement, jobs, absent_before) {
        Action::Nothing => drop_superseded(engine, &statement).await,
        Action::Set { phase, detail } => set(engine, &name, phase, detail).await,
        Action::SetWithCause { phase } => {
            let job = statement.jobs.current().unwrap_or_default();
            let cause = engine
                .jobs
                .failure(job)
                .await
                .ok()
                .flatten()
                .unwrap_or_else(|| "Flink restarts the job.".to_owned());
            set(engine, &name, phase, cause).await;
        }
        Action::Adopt { job } => {
            tracing::warn!(
                statement = name,
                job,
                "a running job carries the statement's name; it is taken over"
            );
            let change = |statement: &mut Statement| {
                statement.jobs.ids.push(job);
                statement.jobs.seen = true;
            };
            update(engine, &name, change).await;
        }
        Action::Cancel { job } => {
            tracing::warn!(
                statement = name,
                job,
                "a second job carries the statement's name; cancelling it"
            );
            if let Err(error) = engine.jobs.cancel(&job).await {
                tracing::warn!(statement = name, job, %error, "it is cancelled later");
            }
        }
        Action::Submit => {
            let yields = statement.kind == Kind::Lake && memory.others_busy;
            if yields && memory.absent_for(&name) < LAKE_YIELDS {
                return;
            }
            if memory.may_try(&name, RESUBMIT_PAUSE) {
                memory.absent_since.remove(&name);
                let engine = Arc::clone(engine);
                tokio::spawn(async move {
                    let _own = own;
                    engine.resubmit_locked(&name).await;
                });
            }
        }
    }
}

async fn set(engine: &Engine, name: &str, phase: Phase, detail: String) {
    let change = |statement: &mut Statement| {
        if statement.phase != phase {
            tracing::info!(statement = name, from = %statement.phase, to = %phase, detail, "phase");
        }
        statement.set_phase(phase, detail);
        statement.jobs.ran |= phase == Phase::Running;
        statement.jobs.seen = true;
    };
    update(engine, name, change).await;
}

/// Once the current job has a checkpoint of its own, those of earlier jobs are of no use.
async fn drop_superseded(engine: &Engine, statement: &Statement) {
    let Some((current, earlier)) = statement.jobs.ids.split_last() else {
        return;
    };
    if earlier.is_empty() || !checkpoints::has_completed(&engine.checkpoints, current) {
        return;
    }
    for job in earlier {
        if let Err(problem) = engine.remove_checkpoints(job).await {
            tracing::warn!(
                statement = statement.name,
                ?problem,
                "old checkpoints stay for now"
            );
            return;
        }
    }
    let current = current.clone();
    update(engine, &statement.name, |statement| {
        statement.jobs.ids = vec![current]
    })
    .await;
}

async fn update(engine: &Engine, name: &str, change: impl FnOnce(&mut Statement)) {
    if let Err(error) = engine.store.update_statement(name, change).await {
        tracing::error!(statement = name, %error, "the store cannot be written");
    }
}
