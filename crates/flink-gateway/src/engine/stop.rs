//! Stop with a savepoint, and resume from it. Every step may be repeated: the savepoint is found by the job's id.

use super::remove::alive;
use super::{Engine, Problem};
use crate::checkpoints;
use crate::flink::job_manager::{Job, JobState};
use crate::model::{Kind, Phase, Statement};

const NO_SAVEPOINT: &str =
    "stopped without a savepoint, which will be made good from the newest checkpoint";

/// What is known about a stop besides the store; without it the stop is begun again.
#[derive(Debug, Default)]
pub struct Stopping {
    /// Job and request of the savepoint that Flink is making.
    request: Option<(String, String)>,
}

impl Engine {
    /// Takes a STOPPING statement one step further; `true` when it is STOPPED. The caller holds its lock, and has seen
    /// that no submission of it is on its way.
    pub async fn stop_locked(
        &self,
        statement: &Statement,
        jobs: &[Job],
        stopping: &mut Stopping,
    ) -> bool {
        match self.stop_step(statement, jobs, stopping).await {
            Ok(done) => done,
            Err(problem) => {
                tracing::warn!(statement = statement.name, ?problem, "not stopped yet");
                false
            }
        }
    }

    async fn stop_step(
        &self,
        statement: &Statement,
        jobs: &[Job],
        stopping: &mut Stopping,
    ) -> Result<bool, Problem> {
        let name = &statement.name;
        if statement.kind == Kind::Select {
            self.selects.close(name);
        }
        let alive = alive(statement, jobs);
        if alive.is_empty() {
            let has_job = statement.kind.has_job();
            let change = |statement: &mut Statement| {
                let detail = std::mem::take(&mut statement.detail);
                statement.set_phase(Phase::Stopped, detail);
                statement.jobs.stopped = has_job && !statement.jobs.ids.is_empty();
            };
            self.store.update_statement(name, change).await?;
            tracing::info!(statement = name, "stopped");
            return Ok(true);
        }
        for job in alive {
            self.stop_job(statement, job, stopping).await?;
        }
        Ok(false)
    }

    async fn stop_job(
        &self,
        statement: &Statement,
        job: &Job,
        stopping: &mut Stopping,
    ) -> Result<(), Problem> {
        let asked = stopping.request.as_ref().filter(|(id, _)| *id == job.id);
        match (asked, job.state) {
            (_, JobState::Cancelling | JobState::Failing) => {}
            (Some((_, request)), _) => {
                if let Some(cause) = self.jobs.stop_failure(&job.id, request).await? {
                    tracing::warn!(statement = statement.name, cause, NO_SAVEPOINT);
                    self.jobs.cancel(&job.id).await?;
                }
            }
            (None, JobState::Running) if job.tasks.all_started() && statement.kind.has_job() => {
                let folder = checkpoints::uri(&checkpoints::savepoints(&self.checkpoints, &job.id));
                let request = self.jobs.stop(&job.id, &folder).await?;
                stopping.request = Some((job.id.clone(), request));
            }
            // It does not run, or nobody wants its state.
            (None, _) => {
                tracing::info!(statement = statement.name, job = job.id, "cancelling");
                self.jobs.cancel(&job.id).await?;
            }
        }
        Ok(())
    }
}
