//! `hc-flink-gateway deploy DIR`: makes a pipelines folder true at a statements API, and nothing more than that.

mod folder;
mod plan;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;
use futures::stream::{self, StreamExt};
use hc_flink_dialect::graph::Node;
use hc_flink_dialect::{StatementNames, quote_identifier};

use crate::client::{Client, ClientArgs, ClientError, Remote};
use crate::model::Phase;
use plan::{Current, Plan, Step, plan};
use report::{Line, Report};

/// Statements in flight at once; the engine plans one at a time, so more gains nothing.
const PARALLEL: usize = 4;

/// Command line of `deploy`.
#[derive(Debug, Args)]
pub struct DeployArgs {
    /// Pipelines folder: <layer>/<product>/<table>/sql-scripts/{ddl,dml}.<table>.sql
    pub dir: PathBuf,
    #[command(flatten)]
    pub client: ClientArgs,
    /// Deploy only these tables and those they read
    #[arg(long = "table", value_name = "TABLE")]
    pub tables: Vec<String>,
    /// Tables to have first, with those they read
    #[arg(long, value_name = "TABLE", default_value = "hc_fct_drift_evts")]
    pub first: Vec<String>,
    /// Drop and make again tables whose definition changed; their records are lost
    #[arg(long)]
    pub recreate: bool,
    /// First part of statement names
    #[arg(long, env = "SL_CLUSTER_TYPE", default_value = "dev")]
    pub cluster_type: String,
    /// Cloud region, the second part of statement names
    #[arg(long, env = "CLOUD_REGION", default_value = "us-west-2")]
    pub region: String,
}

/// Deploys and prints what was done; an error names the causes.
pub async fn run(args: &DeployArgs, out: &mut impl Write) -> anyhow::Result<()> {
    let started = Instant::now();
    let names = StatementNames::new(&args.cluster_type, &args.region);
    let nodes = plan::select(folder::load(&args.dir, &names)?, &args.tables)?;
    let client = Client::new(&args.client);
    let deployment = Deployment {
        client,
        report: Report::default(),
    };
    let report = deployment
        .run(&plan::order(nodes, &args.first), args.recreate)
        .await?;
    report.print(out, started.elapsed())?;
    let failures = report.failures();
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n"));
}

struct Deployment {
    client: Client,
    report: Report,
}

impl Deployment {
    async fn run(mut self, nodes: &[Node], recreate: bool) -> anyhow::Result<Report> {
        let current = self.current(nodes).await?;
        let plan = match plan(nodes, &current, recreate, |own| self.client.properties(own)) {
            Ok(plan) => plan,
            Err(refusals) => bail!("{}", refusals.join("\n")),
        };
        self.clear(nodes, &plan).await?;
        let missing = self.create(nodes, &plan).await;
        self.fill(nodes, &plan, &missing).await;
        Ok(self.report)
    }

    /// What the API knows of every table.
    async fn current(&self, nodes: &[Node]) -> Result<BTreeMap<String, Current>, ClientError> {
        let client = &self.client;
        let lookups = nodes.iter().map(|node| async move {
            let ddl = client.get(&node.ddl_name).await?;
            let dml = match &node.dml {
                Some(_) => client.get(&node.dml_name).await?,
                None => None,
            };
            Ok((node.table.clone(), Current { ddl, dml }))
        });
        stream::iter(lookups)
            .buffer_unordered(PARALLEL)
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .collect()
    }

    /// Ends what is to be replaced: readers before what they read.
    async fn clear(&self, nodes: &[Node], plan: &Plan) -> anyhow::Result<()> {
        for node in nodes.iter().rev() {
            let steps = plan.steps(&node.table);
            if steps.dml == Step::Replace {
                self.client.delete(&node.dml_name).await?;
            }
            if steps.ddl == Step::Replace {
                self.client.delete(&node.ddl_name).await?;
            }
            if steps.drop_table {
                self.drop_table(&node.table).await?;
            }
        }
        Ok(())
    }

    async fn drop_table(&self, table: &str) -> anyhow::Result<()> {
        let name = format!("drop-{}", table.replace('_', "-"));
        self.client.delete(&name).await?;
        let sql = format!("DROP TABLE IF EXISTS {}", quote_identifier(table));
        let posted = self.client.post(&name, &sql, &BTreeMap::new()).await?;
        let dropped = self.client.settle(posted).await?;
        self.client.delete(&name).await?;
        if dropped.status.phase != Phase::Completed {
            bail!("table {table} cannot be dropped: {}", dropped.status.detail);
        }
        Ok(())
    }

    /// Creates tables; gives the names of those that could not be.
    async fn create(&mut self, nodes: &[Node], plan: &Plan) -> BTreeSet<String> {
        let client = &self.client;
        let work = nodes.iter().map(|node| async move {
            let (name, step) = (&node.ddl_name, plan.steps(&node.table).ddl);
            (
                node,
                put(client, name, &node.ddl, &BTreeMap::new(), step).await,
            )
        });
        let lines: Vec<(&Node, Line)> = stream::iter(work).buffered(PARALLEL).collect().await;
        let failed = lines
            .iter()
            .filter(|(_, line)| !line.ok())
            .map(|(node, _)| node.table.clone())
            .collect();
        self.report.extend(lines.into_iter().map(|(_, line)| line));
        failed
    }

    /// Starts what fills the tables, in order. Nobody waits for what he reads to run: its table is there, and records
    /// will come. Where a table is missing, what fills or reads it is left out.
    async fn fill(&mut self, nodes: &[Node], plan: &Plan, missing: &BTreeSet<String>) {
        let client = &self.client;
        let work = nodes
            .iter()
            .filter_map(|node| Some((node, node.dml.as_ref()?)))
            .map(|(node, dml)| async move {
                let name = &node.dml_name;
                let mut used = std::iter::once(&node.table).chain(&node.parents);
                match used.find(|table| missing.contains(*table)) {
                    Some(table) => Line::skipped(name, table),
                    None => {
                        put(
                            client,
                            name,
                            dml,
                            &node.properties,
                            plan.steps(&node.table).dml,
                        )
                        .await
                    }
                }
            });
        let lines: Vec<Line> = stream::iter(work).buffered(PARALLEL).collect().await;
        self.report.extend(lines.into_iter());
    }
}

/// Brings one statement to its settled phase.
async fn put(
    client: &Client,
    name: &str,
    sql: &str,
    properties: &BTreeMap<String, String>,
    step: Step,
) -> Line {
    let started = Instant::now();
    let result = reach(client, name, sql, properties, step).await;
    Line::new(name, step, result, started.elapsed())
}

async fn reach(
    client: &Client,
    name: &str,
    sql: &str,
    properties: &BTreeMap<String, String>,
    step: Step,
) -> Result<Remote, ClientError> {
    let statement = match step {
        Step::Keep => client.get(name).await?,
        Step::Resume => Some(client.resume(name).await?),
        Step::Create | Step::Replace => None,
    };
    let statement = match statement {
        Some(statement) => statement,
        None => client.post(name, sql, properties).await?,
    };
    client.settle(statement).await
}

/// Seconds with one decimal, as the report shows them.
fn seconds(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64())
}
