//! Runs tests: rows into topics, the statements under test, rows out of topics.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, bail};
use hc_e2e::{Bench, Bound, Copy, Pipeline, Pipelines, differences, until};
use libtest_mimic::Failed;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use crate::case::{Case, Found, Stage};
use crate::differential::{SUBJECTS, Subject};
use crate::simulated;

/// Rows arrive in the order in which the case has them.
const PARTITIONS: u32 = 1;
/// The last rows of a stage may wait until a silent input no longer holds back event time, which takes 10 s at the most.
const SETTLES_WITHIN: Duration = Duration::from_secs(25);

/// Runs tests on one gateway, which is started with the first.
pub(crate) struct Runner {
    runtime: Runtime,
    pipelines: Pipelines,
    /// What each test copies, by its name.
    copies: BTreeMap<String, Copy>,
    bench: OnceCell<Bench>,
}

impl Runner {
    pub(crate) fn new(pipelines: Pipelines, found: &[Found]) -> Result<Self> {
        // Topics of an earlier run on the same servers have other names.
        let run = &uuid::Uuid::new_v4().simple().to_string()[..6];
        let cases = found
            .iter()
            .map(|found| (found.name.clone(), vec![found.table.clone()]));
        let subjects = SUBJECTS.iter().map(|subject| {
            let tables = subject.tables.iter().map(|table| (*table).to_owned());
            (subject.name(), tables.collect())
        });
        let simulated = (
            simulated::NAME.to_owned(),
            vec![simulated::TABLE.to_owned()],
        );
        let copies =
            cases
                .chain(subjects)
                .chain([simulated])
                .enumerate()
                .map(|(number, (name, tables))| {
                    let suffix = format!("{run}_{number}");
                    (name, Copy { tables, suffix })
                });
        Ok(Self {
            runtime: Runtime::new()?,
            copies: copies.collect(),
            pipelines,
            bench: OnceCell::new(),
        })
    }

    pub(crate) fn case(&self, found: &Found) -> Result<(), Failed> {
        self.runtime
            .block_on(self.run_case(found))
            .map_err(|error| format!("{}\n{error:#}", found.shown().display()).into())
    }

    pub(crate) fn differential(&self, subject: &Subject) -> Result<(), Failed> {
        let run = async {
            let copy = &self.copies[&subject.name()];
            subject.run(self.bench().await?, copy).await
        };
        self.runtime
            .block_on(run)
            .map_err(|error| format!("{error:#}").into())
    }

    pub(crate) fn simulated(&self) -> Result<(), Failed> {
        let run = async {
            let copy = &self.copies[simulated::NAME];
            simulated::run(self.bench().await?, copy).await
        };
        self.runtime
            .block_on(run)
            .map_err(|error| format!("{error:#}").into())
    }

    async fn run_case(&self, found: &Found) -> Result<()> {
        let case = Case::read(&found.folder)?;
        let bound = if case.unbounded {
            Bound::Unbounded
        } else {
            Bound::Bounded
        };
        let copy = &self.copies[&found.name];
        let mut pipeline = self
            .bench()
            .await?
            .pipeline(copy, bound, PARTITIONS)
            .await?;
        let result = stages(&mut pipeline, &case).await;
        let closed = pipeline.close().await;
        result.and(closed)
    }

    async fn bench(&self) -> Result<&Bench> {
        let start = async || {
            let copies: Vec<_> = self.copies.values().cloned().collect();
            Bench::start(self.pipelines.clone(), &copies).await
        };
        self.bench.get_or_try_init(start).await
    }
}

async fn stages(pipeline: &mut Pipeline<'_>, case: &Case) -> Result<()> {
    for (index, stage) in case.stages.iter().enumerate() {
        for (table, changes) in &stage.given {
            pipeline.send(table, changes).await?;
        }
        if index == 0 {
            pipeline.start().await?;
        }
        let differences = if case.unbounded {
            settle(pipeline, stage).await?
        } else {
            pipeline.completed().await?;
            compare(pipeline, stage).await?
        };
        if !differences.is_empty() {
            bail!("after stage {}:\n{differences}", index + 1);
        }
    }
    Ok(())
}

/// Waits for the expected state, and whether it lasts: what is not wanted may come later than what is.
async fn settle(pipeline: &Pipeline<'_>, stage: &Stage) -> Result<String> {
    pipeline.running().await?;
    pipeline.consumed().await?;
    let reached = until("the expected rows", SETTLES_WITHIN, async || {
        let differences = compare(pipeline, stage).await?;
        Ok(differences.is_empty().then_some(()))
    })
    .await;
    if reached.is_ok() {
        pipeline.checkpoint().await?;
    }
    compare(pipeline, stage).await
}

async fn compare(pipeline: &Pipeline<'_>, stage: &Stage) -> Result<String> {
    let mut text = String::new();
    for (table, expected) in &stage.expected {
        let key = pipeline.key_columns(table)?;
        let found = differences(&key, expected, &pipeline.state(table).await?)?;
        if !found.is_empty() {
            text.push_str(&format!("{table}\n{found}"));
        }
    }
    Ok(text)
}
