//! INSERT INTO and EXECUTE STATEMENT SET: a Flink job with the statement's name.

use std::path::Path;

use hc_flink_dialect::{
    Insert, QueryTuning, Statement as Parsed, StatementProperties, parse, translate_query,
};
use uuid::Uuid;

use super::{Engine, Problem};
use crate::checkpoints;
use crate::flink::FlinkError;
use crate::flink::job_manager::Job;
use crate::flink::sql_gateway::{Config, Outcome};
use crate::model::{Kind, Phase, Statement};
use crate::session::Ready;

impl Engine {
    /// Submits the job of a statement, from a checkpoint if one is given.
    ///
    /// The job's id is stored before the submission: however this ends, it is known which job to look for, and the
    /// JobManager refuses a second one with that id.
    pub(super) async fn submit(
        &self,
        statement: &Statement,
        properties: &StatementProperties,
        inserts: &[Insert],
        restore: Option<&Path>,
    ) -> Result<(), Problem> {
        // The SQL Gateway tries for a minute to reach an absent JobManager; nobody else could use the session then.
        if self.runs_already(statement).await? {
            return Ok(());
        }
        let ready = self.session.ready().await?;
        let (sql, config) = self
            .job_text(&ready, statement, properties, inserts)
            .await?;
        self.launch(statement, &sql, config, restore, async |sql, config| {
            ready.run(sql, config).await
        })
        .await
    }

    /// Looks for the statement's job first: it may have been submitted by an attempt whose end nobody saw.
    pub(super) async fn runs_already(&self, statement: &Statement) -> Result<bool, Problem> {
        let jobs = self.jobs.jobs().await?;
        let running = jobs
            .iter()
            .find(|job| job.name == statement.name && !job.state.is_terminal());
        match running {
            Some(running) => self.meet(statement, running).await.map(|()| true),
            None => Ok(false),
        }
    }

    /// Submits a job with `run`, under an id that is chosen here and stored first.
    pub(super) async fn launch(
        &self,
        statement: &Statement,
        sql: &str,
        mut config: Config,
        restore: Option<&Path>,
        run: impl AsyncFnOnce(&str, &Config) -> Result<Outcome, FlinkError>,
    ) -> Result<(), Problem> {
        let name = &statement.name;
        let _turn = self.submissions.acquire().await;
        let job = Uuid::new_v4().simple().to_string();
        config.extend(self.own_options(name, &job, restore));
        self.note_submission(statement, &job, restore).await?;
        match run(sql, &config).await {
            Ok(outcome) => {
                tracing::info!(statement = name, job, from = ?restore, "job submitted");
                // An engine that chooses ids itself wins.
                self.note_accepted(name, outcome.job_id.unwrap_or(job))
                    .await
            }
            Err(FlinkError::Refused(text)) => match self.jobs.jobs().await {
                Ok(_) => Err(Problem::Refused(text)),
                Err(error) => Err(error.into()),
            },
            // The job may have been submitted all the same: the reconcile loop looks for it before it tries again.
            Err(error) => Err(Problem::Later(error.to_string())),
        }
    }

    /// A job with the statement's name runs already. It is the statement's own if that has had one; a new statement
    /// may have another text than whatever was left behind.
    async fn meet(&self, statement: &Statement, running: &Job) -> Result<(), Problem> {
        let name = &statement.name;
        if !statement.jobs.ids.is_empty() {
            tracing::warn!(
                statement = name,
                job = running.id,
                "the job is there already; it is taken over"
            );
            return self.note_accepted(name, running.id.clone()).await;
        }
        tracing::warn!(
            statement = name,
            job = running.id,
            "a job of nobody has the statement's name; cancelling it"
        );
        self.jobs.cancel(&running.id).await?;
        Err(Problem::Later("another job of this name to end".into()))
    }

    /// The statement for Flink and its options, with every table it names known to the session.
    async fn job_text(
        &self,
        ready: &Ready<'_>,
        statement: &Statement,
        properties: &StatementProperties,
        inserts: &[Insert],
    ) -> Result<(String, Config), Problem> {
        let mut targets = Vec::new();
        for insert in inserts {
            let target = self.own_table(&insert.target)?;
            self.ensure_table(ready, target).await?;
            targets.push(target);
        }
        let sql = self.unqualified(statement)?;
        self.ensure_tables_read(ready, &sql).await?;
        let tuning = QueryTuning {
            state_ttl: self.tuning.state_ttl(&targets),
        };
        let query = translate_query(&sql, &tuning)?;
        for warning in &query.warnings {
            tracing::warn!(statement = statement.name, warning, "accepted, but ignored");
        }
        let mut config = self.tuning.config(&targets);
        config.extend(properties.config.clone());
        Ok((query.sql, config))
    }

    /// Submits again the job of a statement that lost it. The caller holds the statement's lock.
    pub async fn resubmit_locked(&self, name: &str) {
        let Some(statement) = self.store.statement(name) else {
            return;
        };
        if statement.phase.is_final()
            || matches!(statement.phase, Phase::Deleting | Phase::Stopping)
        {
            return;
        }
        let restore = checkpoints::newest(&self.checkpoints, &statement.jobs.ids);
        if statement.jobs.stopped {
            tracing::info!(statement = name, from = ?restore, "resuming");
        } else {
            tracing::warn!(statement = name, from = ?restore, "the job is gone; submitting it again");
        }
        let recorded = match self.run_again(&statement, restore.as_deref()).await {
            Ok(()) => Ok(None),
            Err(Problem::Refused(text)) => {
                // What ran before is right; something it needs is not back yet. It is tried again.
                let ran = statement.jobs.ran;
                let phase = if ran { Phase::Degraded } else { Phase::Failed };
                let change = move |statement: &mut Statement| statement.set_phase(phase, text);
                self.store.update_statement(name, change).await
            }
            Err(Problem::Later(text)) => {
                self.store
                    .update_statement(name, |statement| {
                        statement.set_phase(statement.phase, format!("waiting: {text}"));
                    })
                    .await
            }
            Err(Problem::Again) => Ok(None),
        };
        if let Err(error) = recorded {
            tracing::error!(statement = name, %error, "the outcome of a submission could not be stored");
        }
    }

    async fn run_again(
        &self,
        statement: &Statement,
        restore: Option<&Path>,
    ) -> Result<(), Problem> {
        if statement.kind == Kind::Lake {
            return self.submit_lake(statement, restore).await;
        }
        let properties = self.properties(statement)?;
        let inserts = match parse(&statement.spec.statement)? {
            Parsed::Insert(insert) => vec![insert],
            Parsed::StatementSet(inserts) => inserts,
            other => return Err(Problem::Refused(format!("{} has no job.", other.kind()))),
        };
        self.submit(statement, &properties, &inserts, restore).await
    }

    /// Options that nobody else may set.
    fn own_options(&self, name: &str, job: &str, restore: Option<&Path>) -> Config {
        let mut config = Config::from([
            ("pipeline.name".into(), name.into()),
            ("$internal.pipeline.job-id".into(), job.into()),
            (
                "execution.checkpointing.dir".into(),
                checkpoints::uri(&self.checkpoints),
            ),
        ]);
        if let Some(checkpoint) = restore {
            config.insert(
                "execution.state-recovery.path".into(),
                checkpoints::uri(checkpoint),
            );
        }
        config
    }

    async fn note_submission(
        &self,
        statement: &Statement,
        job: &str,
        restore: Option<&Path>,
    ) -> Result<(), Problem> {
        let change = |statement: &mut Statement| {
            let lost = !statement.jobs.ids.is_empty() && !statement.jobs.stopped;
            statement.jobs.resubmissions += u32::from(lost);
            statement.jobs.ids.push(job.to_owned());
            statement.jobs.seen = false;
            statement.jobs.stopped = false;
            statement.jobs.restored_from = restore.map(checkpoints::uri);
            if statement.jobs.ran && lost {
                statement.set_phase(
                    Phase::Degraded,
                    match restore {
                        Some(_) => "Flink lost the job; it starts again from its newest checkpoint.",
                        None if statement.kind == Kind::Lake => {
                            "Flink lost the job, which had no checkpoint; it starts again where its tables end."
                        }
                        None => "Flink lost the job, which had no checkpoint; it starts again from the beginning.",
                    },
                );
            }
        };
        self.store.update_statement(&statement.name, change).await?;
        Ok(())
    }

    async fn note_accepted(&self, name: &str, job: String) -> Result<(), Problem> {
        let change = |statement: &mut Statement| {
            if statement.jobs.current() != Some(job.as_str()) {
                statement.jobs.ids.push(job);
            }
            statement.jobs.seen = true;
        };
        self.store.update_statement(name, change).await?;
        Ok(())
    }
}
