//! SELECT: a Flink job whose rows are fetched from the SQL Gateway into memory, where the client pages through them.

use std::time::Duration;

use hc_flink_dialect::{QueryTuning, StatementProperties, Table, graph, translate_query};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::{Done, Engine, Problem};
use crate::flink::FlinkError;
use crate::flink::cause::shorten;
use crate::flink::rows::Page;
use crate::flink::sql_gateway::Config;
use crate::model::{Kind, Phase, Query, Statement};
use crate::results::{SELECTS_MAX, Select, Snapshot};
use crate::session::QuerySession;
use crate::store::{Store, StoreError};

/// First pause between two looks for rows; it doubles up to [`POLL_MAX`].
const POLL_MIN: Duration = Duration::from_millis(10);
const POLL_MAX: Duration = Duration::from_millis(100);

const RESTARTED: &str = "The rows of a SELECT are kept in memory, and the gateway was started again. Delete the \
    statement and send it again.";

/// A query that was submitted, with what its end must give back.
struct Running {
    session: QuerySession,
    operation: String,
    select: Select,
    snapshot: bool,
    statement: String,
    store: Store,
    _permit: OwnedSemaphorePermit,
}

impl Engine {
    /// Submits the query and leaves its rows to a task of its own.
    pub(super) async fn select(
        &self,
        statement: &Statement,
        properties: &StatementProperties,
    ) -> Result<Done, Problem> {
        let permit = self.selects.permit().ok_or_else(|| {
            Problem::Later(format!(
                "{SELECTS_MAX} SELECT statements run, which is the limit; delete one"
            ))
        })?;
        let sql = self.unqualified(statement)?;
        let query = translate_query(&sql, &QueryTuning::default())?;
        // The SQL Gateway tries for a minute to reach an absent JobManager.
        self.jobs.jobs().await?;
        let tables = self.tables_of_query(&sql).await?;
        let bounded = properties.snapshot || tables.is_empty();
        let session = self
            .session
            .open_for_query(&statement.name, &tables, properties.snapshot)
            .await?;
        let started = self
            .start_query(&session, statement, properties, &query.sql)
            .await;
        let (operation, page) = match started {
            Ok(started) => started,
            Err(problem) => {
                session.close().await;
                return Err(problem);
            }
        };
        let changelog = session
            .run(
                &format!("EXPLAIN CHANGELOG_MODE {}", query.sql),
                &Config::new(),
            )
            .await;
        let append_only =
            properties.snapshot || changelog.is_ok_and(|plan| is_append_only(&plan.rows));
        let columns = match &page {
            Page::Rows { columns, .. } => columns.clone(),
            Page::NotReady | Page::End => Vec::new(),
        };
        let query = Query {
            columns,
            append_only,
            bounded,
        };
        let stored = self
            .store
            .update_statement(&statement.name, |statement| {
                statement.query = Some(query);
                // A snapshot is shown when it is whole.
                if statement.phase == Phase::Pending && !properties.snapshot {
                    statement.set_phase(Phase::Running, "");
                }
            })
            .await;
        if let Err(error) = stored {
            session.close().await;
            return Err(error.into());
        }
        let running = Running {
            session,
            operation,
            select: self.selects.insert(&statement.name),
            snapshot: properties.snapshot,
            statement: statement.name.clone(),
            store: self.store.clone(),
            _permit: permit,
        };
        tokio::spawn(running.read(page));
        Ok(Done::Recorded)
    }

    async fn tables_of_query(&self, sql: &str) -> Result<Vec<Table>, Problem> {
        let ready = self.session.ready().await?;
        self.ensure_tables_read(&ready, sql).await?;
        Ok(graph::tables_read(sql)
            .iter()
            .filter_map(|name| Some(self.store.table(name)?.table))
            .collect())
    }

    /// Submits the query and waits for its columns.
    async fn start_query(
        &self,
        session: &QuerySession,
        statement: &Statement,
        properties: &StatementProperties,
        sql: &str,
    ) -> Result<(String, Page), Problem> {
        let job = Uuid::new_v4().simple().to_string();
        let mut config = properties.config.clone();
        config.extend(query_options(&statement.name, &job));
        // Stored first, so that the job is found and cancelled however this process ends.
        self.store
            .update_statement(&statement.name, |statement| {
                statement.jobs.ids.push(job);
            })
            .await?;
        let operation = session
            .gateway
            .submit(&session.handle, sql, &config)
            .await?;
        let mut pause = POLL_MIN;
        loop {
            match session.gateway.page(&session.handle, &operation, 0).await? {
                Page::NotReady => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(POLL_MAX);
                }
                page => return Ok((operation, page)),
            }
        }
    }

    /// A SELECT that an earlier process began has lost its rows; its job is still to be cancelled.
    pub async fn give_up_selects(&self) -> Result<(), StoreError> {
        for statement in self.store.statements() {
            let begun = statement.kind == Kind::Select
                && !statement.jobs.ids.is_empty()
                && !matches!(
                    statement.phase,
                    Phase::Failed | Phase::Deleting | Phase::Stopped
                );
            if begun {
                self.store
                    .update_statement(&statement.name, |statement| {
                        statement.phase = Phase::Stopping;
                        statement.detail = RESTARTED.into();
                    })
                    .await?;
            }
        }
        Ok(())
    }
}

impl Running {
    async fn read(self, first: Page) {
        let stop = self.select.stop.clone();
        let end = tokio::select! {
            () = stop.cancelled() => None,
            end = self.fetch(first) => Some(end),
        };
        self.session
            .gateway
            .close_operation(&self.session.handle, &self.operation)
            .await;
        self.session.close().await;
        let Some(end) = end else { return };
        self.select.results.end();
        let (phase, detail) = match end {
            Ok(()) => (Phase::Completed, String::new()),
            Err(error) => (Phase::Failed, shorten(&error.to_string())),
        };
        tracing::info!(statement = self.statement, %phase, detail, "query over");
        let stored = self
            .store
            .update_statement(&self.statement, |statement| {
                statement.set_phase(phase, detail);
            })
            .await;
        if let Err(error) = stored {
            tracing::error!(statement = self.statement, %error, "the store cannot be written");
        }
    }

    /// Fetches until the last row.
    async fn fetch(&self, first: Page) -> Result<(), FlinkError> {
        let mut snapshot = self.snapshot.then(Snapshot::default);
        let (mut page, mut token, mut pause) = (first, 0, POLL_MIN);
        loop {
            match page {
                Page::End => break,
                Page::NotReady => {}
                Page::Rows { changes, .. } => {
                    token += 1;
                    if changes.is_empty() {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(POLL_MAX);
                    } else {
                        pause = POLL_MIN;
                    }
                    match &mut snapshot {
                        None => self.select.results.push(changes).await,
                        Some(snapshot) => {
                            for change in changes {
                                snapshot.apply(change).map_err(|_| too_large())?;
                            }
                        }
                    }
                }
            }
            page = self
                .session
                .gateway
                .page(&self.session.handle, &self.operation, token)
                .await?;
        }
        if let Some(snapshot) = snapshot {
            self.select.results.push(snapshot.into_rows()).await;
        }
        Ok(())
    }
}

fn too_large() -> FlinkError {
    FlinkError::Refused(
        "The result is larger than 64 MiB. Add a WHERE or LIMIT, or write it to a table.".into(),
    )
}

/// Rows leave a query at its checkpoints, so they are many; and nobody resumes it.
fn query_options(name: &str, job: &str) -> Config {
    Config::from([
        ("pipeline.name".into(), name.into()),
        ("$internal.pipeline.job-id".into(), job.into()),
        ("execution.checkpointing.interval".into(), "200 ms".into()),
        ("execution.checkpointing.min-pause".into(), "0 ms".into()),
        (
            "execution.checkpointing.externalized-checkpoint-retention".into(),
            "DELETE_ON_CANCELLATION".into(),
        ),
        ("state.backend.type".into(), "hashmap".into()),
        ("restart-strategy.type".into(), "disable".into()),
    ])
}

/// True when the plan's root emits nothing but insertions.
fn is_append_only(plan: &[Vec<serde_json::Value>]) -> bool {
    let text = plan
        .first()
        .and_then(|row| row.first())
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    text.split_once("changelogMode=[")
        .and_then(|(_, rest)| rest.split_once(']'))
        .is_some_and(|(mode, _)| mode == "I")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_root_of_the_plan_decides() {
        let plan = |root: &str| {
            vec![vec![json!(format!(
                "== Optimized Physical Plan With Changelog Mode ==\nGroupAggregate(select=[x], changelogMode=[{root}])\n+- Scan(changelogMode=[I])\n"
            ))]]
        };
        assert!(is_append_only(&plan("I")));
        assert!(!is_append_only(&plan("I,UB,UA")));
        assert!(!is_append_only(&[]));
    }
}
