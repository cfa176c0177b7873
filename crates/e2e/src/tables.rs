//! The tables of a copy: those of the pipelines as committed, those of others as their owners make them.

use std::collections::BTreeSet;

use anyhow::Result;
use hc_flink_dialect::{Distribution, Table, quote_identifier};
use hc_kafka::TopicSpec;

use crate::bench::Bench;
use crate::debezium;
use crate::pipelines::Definition;
use crate::rename::{Names, rename};

const BOUNDED: (&str, &str) = ("scan.bounded.mode", "latest-offset");

/// Whether a pipeline ends with its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// It reads what the topics hold when it starts, and completes.
    Bounded,
    /// It goes on.
    Unbounded,
}

/// Makes the tables of a copy under their new names.
pub(crate) struct Maker<'a> {
    pub(crate) bench: &'a Bench,
    pub(crate) names: &'a Names,
    pub(crate) bound: Bound,
    /// Of each table that no statement of the copy writes.
    pub(crate) partitions: u32,
}

impl Maker<'_> {
    /// Makes everything that the statements read and write, empty, and says which tables the test has to fill.
    pub(crate) async fn make(&self, definitions: &[&Definition]) -> Result<BTreeSet<String>> {
        let mut outputs: BTreeSet<&String> = BTreeSet::new();
        for definition in definitions {
            outputs.extend(&definition.outputs);
        }
        let mut inputs = BTreeSet::new();
        for definition in definitions {
            for table in definition
                .inputs
                .iter()
                .filter(|table| !outputs.contains(table))
            {
                inputs.insert(table.clone());
            }
        }
        for table in &inputs {
            match self.bench.pipelines.tables.get(table) {
                Some(own) => self.create(self.input(&own.table)).await?,
                None => self.create_external(table).await?,
            }
        }
        for table in outputs {
            let own = self.bench.pipelines.definition(table)?;
            self.create(own.table.clone()).await?;
        }
        Ok(inputs)
    }

    fn input(&self, own: &Table) -> Table {
        let mut table = own.clone();
        if self.bound == Bound::Bounded {
            let (option, value) = BOUNDED;
            table.options.insert(option.to_owned(), value.to_owned());
        }
        let distribution = table.distribution.get_or_insert(Distribution {
            columns: vec![],
            buckets: None,
        });
        distribution.buckets = Some(self.partitions);
        table
    }

    async fn create(&self, mut table: Table) -> Result<()> {
        table.name = self.names[&table.name].clone();
        let statement = statement_name("ddl", &table.name);
        let sql = table.to_confluent_sql();
        self.bench.gateway.execute(&statement, &sql).await
    }

    /// A topic of somebody else, as its owner makes it, and what `prepare` makes of it.
    async fn create_external(&self, table: &str) -> Result<()> {
        let name = &self.names[table];
        let owned = hc_contracts::topics::OWNED
            .iter()
            .find(|topic| topic.name == table);
        for side in ["key", "value"] {
            let schema = match owned {
                Some(topic) if side == "key" => topic.key.text.to_owned(),
                Some(topic) => topic.value.text.to_owned(),
                None => debezium::schema(table, side)?,
            };
            let subject = format!("{name}-{side}");
            self.bench.registry.register(&subject, &schema).await?;
        }
        let topic = TopicSpec::new(name, i32::try_from(self.partitions)?);
        self.bench.admin.create_topic(&topic).await?;
        let mut alters: Vec<String> = match self.bench.pipelines.prepare.get(table) {
            Some(alters) => alters.iter().map(|sql| rename(sql, self.names)).collect(),
            None => vec![],
        };
        if self.bound == Bound::Bounded {
            let (option, value) = BOUNDED;
            let name = quote_identifier(name);
            alters.push(format!("ALTER TABLE {name} SET ('{option}' = '{value}')"));
        }
        for (index, sql) in alters.iter().enumerate() {
            let statement = statement_name(&format!("alter{index}"), name);
            self.bench.gateway.execute(&statement, sql).await?;
        }
        Ok(())
    }
}

/// `ddl-hc-fct-drift-evts-x1`
pub(crate) fn statement_name(kind: &str, table: &str) -> String {
    format!("{kind}-{}", table.replace(['_', '.'], "-"))
}
