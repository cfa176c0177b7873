//! DELETE of a statement: its job, its checkpoints, its record, in this order, each step repeatable.

use super::{Engine, Problem};
use crate::checkpoints;
use crate::flink::job_manager::Job;
use crate::model::Statement;

impl Engine {
    /// Takes a DELETING statement one step further; `true` when it is gone. The caller holds the statement's lock.
    pub async fn remove_locked(&self, name: &str) -> bool {
        let Some(statement) = self.store.statement(name) else {
            return true;
        };
        match self.remove(&statement).await {
            Ok(gone) => gone,
            Err(Problem::Refused(text) | Problem::Later(text)) => {
                let detail = format!("waiting: {text}");
                if let Err(error) = self
                    .store
                    .update_statement(name, |statement| statement.detail = detail)
                    .await
                {
                    tracing::error!(statement = name, %error, "the store cannot be written");
                }
                false
            }
            Err(Problem::Again) => false,
        }
    }

    async fn remove(&self, statement: &Statement) -> Result<bool, Problem> {
        self.selects.close(&statement.name);
        if !statement.jobs.ids.is_empty() {
            let jobs = self.jobs.jobs().await?;
            let alive = alive(statement, &jobs);
            for job in &alive {
                self.jobs.cancel(&job.id).await?;
            }
            if !alive.is_empty() {
                return Ok(false);
            }
            for id in &statement.jobs.ids {
                self.remove_checkpoints(id).await?;
            }
        }
        self.store.remove_statement(&statement.name).await?;
        tracing::info!(statement = statement.name, "statement deleted");
        Ok(true)
    }

    /// Removes the checkpoints of a job that will not be needed again.
    pub async fn remove_checkpoints(&self, job: &str) -> Result<(), Problem> {
        let (dir, id) = (self.checkpoints.clone(), job.to_owned());
        let removed = tokio::task::spawn_blocking(move || checkpoints::remove_job(&dir, &id)).await;
        match removed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(Problem::Later(format!(
                "the checkpoints of job {job} cannot be removed ({error})"
            ))),
            Err(error) => Err(Problem::Later(error.to_string())),
        }
    }
}

/// The jobs of a statement that may still write.
pub(crate) fn alive<'a>(statement: &Statement, jobs: &'a [Job]) -> Vec<&'a Job> {
    jobs.iter()
        .filter(|job| statement.jobs.ids.contains(&job.id) || job.name == statement.name)
        .filter(|job| !job.state.is_terminal())
        .collect()
}
