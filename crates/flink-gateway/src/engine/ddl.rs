//! CREATE, ALTER and DROP TABLE: the table in the session, its topic, its subjects, its record in the store.

use hc_flink_dialect::{
    AlterTable, CreateTable, ObjectName, Table, TopicSpec, TranslatedTable, apply_alter,
    translate_table,
};
use hc_kafka::AdminError;

use super::{Done, Engine, Problem};
use crate::flink::sql_gateway::Config;
use crate::session::Ready;
use crate::store::{Origin, StoredTable};

impl Engine {
    pub(super) async fn create_table(&self, create: CreateTable) -> Result<Done, Problem> {
        let name = self.own_table(&create.name)?.to_owned();
        let translated = translate_table(&create.table, self.session.connection())?;
        let ready = self.session.ready().await?;
        let _table = self.locks.lock(&table_lock(&name)).await;
        if self.store.table(&name).is_some() {
            return if create.if_not_exists {
                Ok(Done::Completed(None))
            } else {
                Err(Problem::Refused(format!(
                    "Table '{name}' exists already. Drop it first, or add IF NOT EXISTS."
                )))
            };
        }
        warn(&name, &translated);
        let made_topic = self.make_topic(&translated.topic).await?;
        let checked = self
            .define_and_check(&ready, &create.table, &translated)
            .await;
        let result = match checked {
            Ok(()) => self.register(&translated).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = result {
            self.undo_create(&ready, &name, made_topic).await;
            return Err(problem);
        }
        self.store_table(Origin::Created, create.table).await?;
        Ok(Done::Completed(None))
    }

    /// Changes the definition that later statements see; running jobs and the topic's records stay as they are.
    pub(super) async fn alter_table(&self, alter: &AlterTable) -> Result<Done, Problem> {
        let name = self.own_table(&alter.name)?;
        let ready = self.session.ready().await?;
        self.ensure_table(&ready, name).await?;
        let _table = self.locks.lock(&table_lock(name)).await;
        let Some(stored) = self.store.table(name) else {
            return Err(absent(name));
        };
        let changed = apply_alter(&stored.table, alter)?;
        if changed == stored.table {
            return Ok(Done::Completed(None));
        }
        let translated = translate_table(&changed, self.session.connection())?;
        warn(name, &translated);
        if let Err(problem) = self.define_and_check(&ready, &changed, &translated).await {
            let before = translate_table(&stored.table, self.session.connection())?;
            ready.define(name, &before.sql).await?;
            return Err(problem);
        }
        if stored.origin == Origin::Created && !translated.topic.configs.is_empty() {
            self.kafka
                .alter_configs(name, &translated.topic.configs)
                .await?;
        }
        self.store_table(stored.origin, changed).await?;
        Ok(Done::Completed(None))
    }

    pub(super) async fn drop_table(
        &self,
        name: &ObjectName,
        if_exists: bool,
    ) -> Result<Done, Problem> {
        let name = self.own_table(name)?;
        let ready = self.session.ready().await?;
        let _table = self.locks.lock(&table_lock(name)).await;
        let Some(stored) = self.store.table(name) else {
            return self.drop_unknown(name, if_exists).await;
        };
        if stored.origin == Origin::External {
            return Err(owned_by_others(name));
        }
        ready.undefine(name).await?;
        self.kafka.delete_topic(name).await?;
        for subject in subjects(name) {
            self.registry.delete(&subject).await?;
        }
        self.store.remove_table(name).await?;
        Ok(Done::Completed(None))
    }

    /// A table that was never used here may still be a topic of somebody else.
    async fn drop_unknown(&self, name: &str, if_exists: bool) -> Result<Done, Problem> {
        if self.subjects_of(name).await?.is_some() && self.kafka.topic(name).await?.is_some() {
            return Err(owned_by_others(name));
        }
        if if_exists {
            Ok(Done::Completed(None))
        } else {
            Err(absent(name))
        }
    }

    /// Defines the table in the session and lets Flink judge its options and types.
    pub(super) async fn define_and_check(
        &self,
        ready: &Ready<'_>,
        table: &Table,
        translated: &TranslatedTable,
    ) -> Result<(), Problem> {
        ready.define(&table.name, &translated.sql).await?;
        for probe in &translated.probes {
            ready.run(probe, &Config::new()).await?;
        }
        Ok(())
    }

    /// Registers what Flink's writer would register with the first record, so that readers need not wait for one.
    async fn register(&self, translated: &TranslatedTable) -> Result<(), Problem> {
        for subject in &translated.subjects {
            self.registry
                .register(&subject.name, &subject.schema.to_string())
                .await?;
        }
        Ok(())
    }

    /// Says whether the topic was made now. One that is there is taken when its partitions fit: it may be left over
    /// from an interrupted CREATE.
    async fn make_topic(&self, spec: &TopicSpec) -> Result<bool, Problem> {
        let wanted = i32::try_from(spec.partitions).map_err(|_| {
            Problem::Refused(format!("{} partitions are too many.", spec.partitions))
        })?;
        let mut topic = hc_kafka::TopicSpec::new(&spec.name, wanted);
        topic.configs.clone_from(&spec.configs);
        if self.kafka.create_topic(&topic).await? {
            return Ok(true);
        }
        match self.kafka.topic(&spec.name).await? {
            Some(found) if found.partitions != wanted => {
                let topic = spec.name.clone();
                Err(AdminError::Partitions {
                    topic,
                    actual: found.partitions,
                    wanted,
                }
                .into())
            }
            _ => Ok(false),
        }
    }

    async fn undo_create(&self, ready: &Ready<'_>, name: &str, made_topic: bool) {
        if let Err(error) = ready.undefine(name).await {
            tracing::warn!(table = name, %error, "a refused table stays in the session");
        }
        if made_topic && let Err(error) = self.kafka.delete_topic(name).await {
            tracing::warn!(table = name, %error, "the topic of a refused table stays");
        }
    }

    pub(super) async fn store_table(&self, origin: Origin, table: Table) -> Result<(), Problem> {
        let created_at = self.store.now();
        Ok(self
            .store
            .put_table(StoredTable {
                origin,
                table,
                created_at,
            })
            .await?)
    }
}

/// Lock of a table; a statement's name has no colon. Always taken after the session: who holds a session and waits for
/// a table must not meet somebody who holds the table and waits for the session.
pub(super) fn table_lock(name: &str) -> String {
    format!("table:{name}")
}

/// The subjects of a table's topic, as Flink's writer names them.
pub(super) fn subjects(table: &str) -> [String; 2] {
    [format!("{table}-key"), format!("{table}-value")]
}

pub(super) fn absent(name: &str) -> Problem {
    Problem::Refused(format!(
        "Table '{name}' does not exist: it was not created here, and there is no topic '{name}' with a subject \
         '{name}-value' in the schema registry."
    ))
}

fn owned_by_others(name: &str) -> Problem {
    Problem::Refused(format!(
        "Table '{name}' was not created by a statement but found as a topic of another application. It is not dropped, \
         since its records would be lost; delete the topic with Kafka's tools if you mean it."
    ))
}

fn warn(table: &str, translated: &TranslatedTable) {
    for warning in &translated.warnings {
        tracing::warn!(table, warning, "accepted, but ignored");
    }
}
