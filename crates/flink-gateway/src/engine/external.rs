//! Tables of topics that others write: inferred from the schema registry when a statement first names them.

use hc_flink_dialect::{Table, TopicSubjects, find_subjects, graph, infer_table, translate_table};
use serde_json::Value;

use super::ddl::{absent, table_lock};
use super::{Engine, Problem};
use crate::name::is_table_name;
use crate::session::Ready;
use crate::store::Origin;

impl Engine {
    /// Makes every table that a query reads known to the session. Names that are no topic are left to Flink, whose
    /// message has line and column.
    pub(super) async fn ensure_tables_read(
        &self,
        ready: &Ready<'_>,
        sql: &str,
    ) -> Result<(), Problem> {
        for table in graph::tables_read(sql) {
            if is_table_name(&table) && self.store.table(&table).is_none() {
                self.infer(ready, &table).await?;
            }
        }
        Ok(())
    }

    /// The definition of a topic's table; `None` when there is no such topic or it has no schema.
    pub(crate) async fn known_table(&self, name: &str) -> Result<Option<Table>, Problem> {
        if self.store.table(name).is_none() {
            let ready = self.session.ready().await?;
            self.infer(&ready, name).await?;
        }
        Ok(self.store.table(name).map(|stored| stored.table))
    }

    /// Makes one table known; an error says that there is none.
    pub(super) async fn ensure_table(&self, ready: &Ready<'_>, name: &str) -> Result<(), Problem> {
        if self.store.table(name).is_some() || self.infer(ready, name).await? {
            return Ok(());
        }
        Err(absent(name))
    }

    /// Infers a table and keeps it; `false` when there is no such topic or it has no schema.
    async fn infer(&self, ready: &Ready<'_>, name: &str) -> Result<bool, Problem> {
        let _table = self.locks.lock(&table_lock(name)).await;
        if self.store.table(name).is_some() {
            return Ok(true);
        }
        let Some(subjects) = self.subjects_of(name).await? else {
            return Ok(false);
        };
        let Some(value) = self.schema(&subjects.value).await? else {
            return Ok(false);
        };
        let key = match &subjects.key {
            Some(subject) => self.schema(subject).await?,
            None => None,
        };
        let Some(topic) = self.kafka.topic(name).await? else {
            return Ok(false);
        };
        let partitions = u32::try_from(topic.partitions).unwrap_or(1);
        let table = infer_table(name, key.as_ref(), &value, partitions)?;
        let translated = translate_table(&table, self.session.connection())?;
        ready.define(name, &translated.sql).await?;
        self.store_table(Origin::External, table).await?;
        tracing::info!(table = name, partitions, "table inferred from its subjects");
        Ok(true)
    }

    /// The subjects of somebody's topic, which may have the prefix that Confluent Cloud calls a schema context.
    pub(super) async fn subjects_of(&self, topic: &str) -> Result<Option<TopicSubjects>, Problem> {
        let all = self.registry.subjects().await?;
        Ok(find_subjects(topic, all.iter().map(String::as_str))?)
    }

    async fn schema(&self, subject: &str) -> Result<Option<Value>, Problem> {
        let Some(found) = self.registry.latest(subject).await? else {
            return Ok(None);
        };
        serde_json::from_str(&found.schema)
            .map(Some)
            .map_err(|error| {
                Problem::Refused(format!(
                    "The schema of subject '{subject}' is not JSON: {error}."
                ))
            })
    }
}
