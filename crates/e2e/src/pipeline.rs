//! A copy of some statements at work: rows in, jobs, rows out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hc_kafka::Outgoing;

use crate::bench::{Bench, Copy};
use crate::codec::{Bytes, Change, Codec, Row, check_columns};
use crate::debezium::{self, Captured};
use crate::gateway::Phase;
use crate::pipelines::Definition;
use crate::rename::{Names, rename};
use crate::standing::fold;
use crate::tables::{Bound, Maker, statement_name};
use crate::{consumer, until};

/// A job from its start to its end, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// A job that fails, starts again and fails again is not waited for.
const DEGRADED_FOR: Duration = Duration::from_secs(10);

/// One copy of the statements that fill some tables, with tables of its own.
pub struct Pipeline<'a> {
    bench: &'a Bench,
    definitions: Vec<&'a Definition>,
    names: Names,
    topics: BTreeMap<String, Codecs>,
    /// Tables that the test fills.
    inputs: BTreeSet<String>,
    captured: BTreeMap<String, Captured>,
}

struct Codecs {
    key: Codec,
    value: Codec,
}

impl Bench {
    /// Makes the tables of a copy, empty. Those that no statement of the copy writes have so many partitions.
    pub async fn pipeline(
        &self,
        copy: &Copy,
        bound: Bound,
        partitions: u32,
    ) -> Result<Pipeline<'_>> {
        let definitions = copy.definitions(&self.pipelines)?;
        let names = copy.names(&self.pipelines)?;
        let maker = Maker {
            bench: self,
            names: &names,
            bound,
            partitions,
        };
        let inputs = maker.make(&definitions).await?;
        let mut topics = BTreeMap::new();
        for (table, topic) in &names {
            let codecs = Codecs {
                key: Codec::of(&self.registry, &format!("{topic}-key")).await?,
                value: Codec::of(&self.registry, &format!("{topic}-value")).await?,
            };
            topics.insert(table.clone(), codecs);
        }
        Ok(Pipeline {
            bench: self,
            definitions,
            names,
            topics,
            inputs,
            captured: BTreeMap::new(),
        })
    }
}

impl Pipeline<'_> {
    /// Writes changes of an input, in order, and waits until Kafka has them.
    pub async fn send(&mut self, table: &str, changes: &[Change]) -> Result<()> {
        ensure!(
            self.inputs.contains(table),
            "{table} is no input; these are: {:?}",
            self.inputs
        );
        for change in changes {
            let records = self.records(table, change);
            for (key, value) in records.with_context(|| format!("{table}: {change:?}"))? {
                let topic = self.names[table].clone();
                let record = match value {
                    Some(value) => Outgoing::new(topic, key, value),
                    None => Outgoing::tombstone(topic, key),
                };
                self.bench.producer.send(record).await?;
            }
        }
        Ok(self.bench.producer.flush(PATIENCE).await?)
    }

    fn records(&mut self, table: &str, change: &Change) -> Result<Vec<Bytes>> {
        if debezium::is_captured(table) {
            let mut captured = self.captured.remove(table).unwrap_or_default();
            let Codecs { key, value } = self.codecs(table)?;
            let records = captured.records(table, (key, value), change);
            self.captured.insert(table.to_owned(), captured);
            return records;
        }
        let Codecs { key, value } = self.codecs(table)?;
        let mut columns = key.columns()?;
        match change {
            Change::Put(row) => {
                columns.extend(value.columns()?);
                check_columns(row, &columns)?;
                Ok(vec![(key.encode(row)?, Some(value.encode(row)?))])
            }
            Change::Delete(row) => {
                check_columns(row, &columns)?;
                Ok(vec![(key.encode(row)?, None)])
            }
        }
    }

    fn codecs(&self, table: &str) -> Result<&Codecs> {
        self.topics.get(table).with_context(|| {
            let known: Vec<_> = self.topics.keys().collect();
            format!("{table} has nothing to do with it; there are {known:?}")
        })
    }

    /// Submits the statements, as committed.
    pub async fn start(&self) -> Result<()> {
        for definition in &self.definitions {
            let table = &definition.table.name;
            let dml = definition.dml.as_deref();
            let dml = dml.with_context(|| format!("{table} has no DML"))?;
            let sql = rename(dml, &self.names);
            let name = self.statement(definition);
            let phase = self
                .bench
                .gateway
                .post(&name, &sql, &definition.properties)
                .await?;
            ensure!(phase.name != "FAILED", "{table}: {}", phase.detail);
        }
        Ok(())
    }

    fn statement(&self, definition: &Definition) -> String {
        statement_name("dml", &self.names[&definition.table.name])
    }

    /// Waits until every statement, whose inputs end, has completed.
    pub async fn completed(&self) -> Result<()> {
        self.reach("COMPLETED").await
    }

    /// Waits until every statement runs.
    pub async fn running(&self) -> Result<()> {
        self.reach("RUNNING").await
    }

    async fn reach(&self, wanted: &str) -> Result<()> {
        for definition in &self.definitions {
            let statement = self.statement(definition);
            let mut degraded = None;
            let what = format!("{statement} to be {wanted}");
            let Phase { name, detail } = until(&what, PATIENCE, async || {
                let phase = self.bench.gateway.phase(&statement).await?;
                let over = match phase.name.as_str() {
                    "DEGRADED" => {
                        degraded.get_or_insert_with(Instant::now).elapsed() > DEGRADED_FOR
                    }
                    name => name == wanted || name == "FAILED",
                };
                Ok(over.then_some(phase))
            })
            .await?;
            ensure!(name == wanted, "{statement} is {name}: {detail}");
        }
        Ok(())
    }

    /// Waits until the jobs have read what their inputs hold. One that has failed is not waited for: a source that starts
    /// again does not say what it had read before.
    pub async fn consumed(&self) -> Result<()> {
        let flink = &self.bench.flink;
        for definition in &self.definitions {
            let statement = self.statement(definition);
            let job = flink.job(&statement).await?;
            for input in &definition.inputs {
                let topic = &self.names[input];
                let wanted = consumer::last_offsets(&self.bench.kafka, topic).await?;
                let failure = until(&format!("{topic} to be read"), PATIENCE, async || {
                    if let Some(cause) = flink.failure(&job).await? {
                        return Ok(Some(Some(cause)));
                    }
                    let read = flink.offsets(&job, topic).await?;
                    let behind =
                        |(partition, offset): (&i32, &i64)| read.get(partition) < Some(offset);
                    if wanted.iter().any(behind) {
                        bail!("{read:?} of {wanted:?}");
                    }
                    Ok(Some(None))
                })
                .await?;
                if let Some(cause) = failure {
                    bail!("the job of {statement} failed: {cause}");
                }
            }
        }
        Ok(())
    }

    /// Waits until two more checkpoints of every job have completed; the second has begun after this call.
    pub async fn checkpoint(&self) -> Result<()> {
        for definition in &self.definitions {
            let job = self.bench.flink.job(&self.statement(definition)).await?;
            let before = self.bench.flink.checkpoints(&job).await?;
            until("two more checkpoints", PATIENCE, async || {
                let completed = self.bench.flink.checkpoints(&job).await?;
                Ok((completed >= before + 2).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// The rows that stand in a table, by their key: the newest record of a key counts, a tombstone takes it away.
    pub async fn state(&self, table: &str) -> Result<BTreeMap<String, Row>> {
        let Codecs { key, value } = self.codecs(table)?;
        fold(&self.bench.kafka, &self.names[table], key, value).await
    }

    /// Columns of a table's key.
    pub fn key_columns(&self, table: &str) -> Result<Vec<&'static str>> {
        self.codecs(table)?.key.columns()
    }

    /// Rows that came too late for a window, in all jobs.
    pub async fn late_rows(&self) -> Result<i64> {
        let mut late = 0;
        for definition in &self.definitions {
            let job = self.bench.flink.job(&self.statement(definition)).await?;
            late += self.bench.flink.late_records(&job).await?;
        }
        Ok(late)
    }

    /// Cancels the jobs. What was written stays, in a stack that is thrown away.
    pub async fn close(self) -> Result<()> {
        for definition in &self.definitions {
            let statement = self.statement(definition);
            self.bench.gateway.delete(&statement).await?;
        }
        Ok(())
    }
}
