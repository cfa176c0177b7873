//! The unmodified shift_left builds, deploys, inspects, pauses, tests and removes the pipelines of a running product.
//!
//! The tool writes into the pipelines folder and into HOME: it gets copies of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use hc_e2e::{Pipelines, repository, until};
use hc_kafka::{Admin, KafkaConfig};
use serde_json::Value;
use tempfile::TempDir;

use crate::home::Home;
use crate::product::Product;
use crate::topics::{DRIFT, end_offsets};

const POOL: &str = "lfcp-000000";
const SOURCE: &str = "dev-usw2-hc-dml-src-hc-prescriptions";
const FACT: &str = "dev-usw2-hc-dml-hc-fct-drift-evts";
const RAW: [&str; 4] = [
    "hc_raw_device_metrics",
    "healthcare.public.patients",
    "healthcare.public.devices",
    "healthcare.public.prescriptions",
];
const PATIENCE: Duration = Duration::from_secs(90);

/// shift_left as a person has it after `source set_sl_env`.
struct Tool {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

/// What a command printed, and its exit code.
struct Ran {
    command: String,
    code: i32,
    text: String,
}

impl Tool {
    fn new(home: &Home) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("hc-sl-").tempdir()?;
        copy(
            &repository().join("pipelines"),
            &folder.path().join("pipelines"),
        )?;
        fs::create_dir(folder.path().join("home"))?;
        let gateway = format!("http://127.0.0.1:{}", home.port("STATEMENTS_GATEWAY_PORT"));
        Ok(Self {
            settings: vec![
                ("HC_DATA_DIR", home.data().display().to_string()),
                ("STATEMENTS_GATEWAY_URL", gateway),
                ("HC_CACHE_DIR", cache()?),
                ("HOME", folder.path().join("home").display().to_string()),
            ],
            folder,
        })
    }

    fn pipelines(&self) -> PathBuf {
        self.folder.path().join("pipelines")
    }

    /// Runs a command line of the tool.
    async fn run(&self, line: &str) -> Result<Ran> {
        let script =
            "set -eu; source ./set_sl_env local >&2; PIPELINES=$1 exec bash -c \"shift_left $2\"";
        let mut command = Command::new("bash");
        command
            .args(["-c", script, "-"])
            .arg(self.pipelines())
            .arg(line)
            .current_dir(repository())
            .envs(self.settings.iter().map(|(name, value)| (*name, value)));
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        Ok(Ran {
            command: format!("shift_left {line}"),
            code: output.status.code().unwrap_or(-1),
            text: text(&output),
        })
    }

    /// The same for a command that must succeed.
    async fn must(&self, line: &str) -> Result<String> {
        let ran = self.run(line).await?;
        ensure!(
            ran.code == 0,
            "{} ended with {}:\n{}",
            ran.command,
            ran.code,
            ran.text
        );
        Ok(ran.text)
    }
}

#[tokio::test]
async fn shift_left_deploys_tests_and_removes_the_pipelines() -> Result<()> {
    if !python_is_there()? {
        return Ok(());
    }
    let home = Home::new(&[])?;
    let product = home.start().await?;
    let tool = Tool::new(&home)?;
    product.simulate("start").await?;
    verdicts(&product, 1).await?;
    let raw = topic_ids(&product).await?;

    plan(&tool).await?;

    // What start-up deployed is under the same names, so that the tool finds and removes it.
    let report = tool
        .must("pipeline report-running-statements --product-name hc")
        .await?;
    ensure!(report.contains("RUNNING"), "{report}");
    tool.must("pipeline undeploy --product-name hc --no-ack")
        .await?;
    gone(&product).await?;

    tool.must("pipeline prepare $PIPELINES/prepare/hc_raw.sql")
        .await?;
    let deployed = tool.must("pipeline deploy --product-name hc").await?;
    ensure!(deployed.contains("Pipeline DEPLOYED"), "{deployed}");
    for table in pipelines()?.tables.keys() {
        let statement = format!("dev-usw2-hc-dml-{}", table.replace('_', "-"));
        phase(&product, &statement, "RUNNING").await?;
    }
    verdicts(&product, 1).await?;

    pause_and_resume(&tool, &product).await?;
    unit_tests(&tool, &product).await?;
    broken_sql(&tool).await?;

    tool.must("pipeline undeploy --product-name hc --no-ack")
        .await?;
    gone(&product).await?;
    ensure!(
        topic_ids(&product).await? == raw,
        "the raw topics are not the same ones any more"
    );
    let status = product.interrupt().await?;
    ensure!(status.success(), "{status}");
    home.silent().await
}

/// The commands that look at the files alone, and the order that comes of them.
async fn plan(tool: &Tool) -> Result<()> {
    tool.must("table build-inventory $PIPELINES").await?;
    tool.must("pipeline delete-all-metadata").await?;
    let metadata = tool.must("pipeline build-all-metadata").await?;
    ensure!(!metadata.contains("error_table"), "{metadata}");
    let inventory: Value = serde_json::from_str(&fs::read_to_string(
        tool.pipelines().join("inventory.json"),
    )?)?;
    let kinds = |kind: &str| {
        let tables = inventory.as_object().into_iter().flatten();
        tables
            .filter(|(_, table)| table["type"] == kind)
            .map(|(name, _)| name.as_str())
            .collect::<Vec<_>>()
    };
    for (kind, table) in [
        ("source", "src_hc_prescriptions"),
        ("intermediate", "int_hc_prescriptions"),
        ("dimension", "hc_dim_patients"),
        ("fact", DRIFT),
    ] {
        ensure!(kinds(kind).contains(&table), "{kind}: {inventory}");
    }
    ensure!(kinds("unknown-type").is_empty(), "{inventory}");
    for raw in RAW {
        ensure!(kinds("external_kafka").contains(&raw), "{inventory}");
    }
    parents(tool)?;

    let line = format!(
        "pipeline build-execution-plan --table-name {DRIFT} --compute-pool-id $FLINK_COMPUTE_POOL_ID"
    );
    let plan = tool.must(&line).await?;
    let place = |statement: &str| {
        plan.find(statement)
            .with_context(|| format!("{statement} is not in the plan:\n{plan}"))
    };
    ensure!(
        place(SOURCE)? < place(FACT)?,
        "a parent comes first:\n{plan}"
    );

    let names = tool.must("table validate-table-names").await?;
    for word in [
        "WRONG FILE NAME",
        "WRONG TABLE NAME",
        "WRONG Directory",
        "MISSING",
        "INVALID",
    ] {
        ensure!(!names.contains(word), "{names}");
    }
    Ok(())
}

/// The tool reads SQL line by line; a table that it invents or misses would only show as a parent.
fn parents(tool: &Tool) -> Result<()> {
    for (table, definition) in pipelines()?.tables {
        let folder = definition.folder.strip_prefix(repository())?;
        let file = tool
            .folder
            .path()
            .join(folder)
            .join("pipeline_definition.json");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let metadata: Value = serde_json::from_str(&text)?;
        let parents = metadata["parents"].as_array().into_iter().flatten();
        let parents: BTreeSet<String> = parents
            .filter_map(|parent| parent["table_name"].as_str().map(str::to_owned))
            .collect();
        // A quoted name with dots is a topic for the tool, and in no list of parents.
        let mut inputs = definition.inputs;
        inputs.retain(|input| !input.contains('.'));
        ensure!(
            parents == inputs,
            "{table} reads {inputs:?}, and the tool says {parents:?}"
        );
    }
    Ok(())
}

fn pipelines() -> Result<Pipelines> {
    Pipelines::load(&repository().join("pipelines"))
}

async fn pause_and_resume(tool: &Tool, product: &Product<'_>) -> Result<()> {
    let act = async |action: &str| {
        let line = format!(
            "project housekeep-statements --compute-pool-id {POOL} --action {action} --statement-name {FACT}"
        );
        tool.must(&line).await
    };
    act("PAUSE").await?;
    phase(product, FACT, "STOPPED").await?;
    let jobs = product.flink("/jobs/overview").await?;
    let running = jobs["jobs"].as_array().into_iter().flatten();
    ensure!(
        !running
            .into_iter()
            .any(|job| job["name"] == FACT && job["state"] == "RUNNING"),
        "{jobs}"
    );
    let before = written(product)?;
    act("RESUME").await?;
    phase(product, FACT, "RUNNING").await?;
    verdicts(product, before + 1).await
}

async fn unit_tests(tool: &Tool, product: &Product<'_>) -> Result<()> {
    let output = tool
        .must(&format!("table run-unit-tests {DRIFT} --run-all"))
        .await?;
    let file = find(&tool.folder.path().join("home"), "-test-suite-result.json")?
        .with_context(|| format!("no results:\n{output}"))?;
    let results: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    let cases = results["test_results"].as_object().context("no cases")?;
    // The tool ends with 0 whatever the result is.
    let passed = cases.values().filter(|case| {
        let result = case["result"].as_str().unwrap_or_default();
        result.contains("'test_result': 'PASS'")
    });
    ensure!(
        passed.count() == 2 && cases.len() == 2,
        "{results}\n{output}"
    );
    tool.must(&format!("table delete-unit-tests {DRIFT}"))
        .await?;
    until("the tables of the unit tests to go", PATIENCE, async || {
        let topics = kafka(product)?.list_topics().await?;
        Ok((!topics.iter().any(|topic| topic.ends_with("_ut"))).then_some(()))
    })
    .await
}

/// A column that is not there ends the deployment, and the reason is on the screen. The right one mends it: `undeploy`
/// would leave a table that nothing fills.
async fn broken_sql(tool: &Tool) -> Result<()> {
    let line = format!("pipeline deploy --table-name {DRIFT} --compute-pool-id {POOL}");
    let file = tool
        .pipelines()
        .join(format!("facts/hc/{DRIFT}/sql-scripts/dml.{DRIFT}.sql"));
    let right = fs::read_to_string(&file)?;
    fs::write(&file, right.replace("m.patient_id,", "m.patient_idd,"))?;
    let ran = tool.run(&line).await?;
    ensure!(
        ran.code == 1,
        "{} ended with {}:\n{}",
        ran.command,
        ran.code,
        ran.text
    );
    // The tool breaks long lines where it likes.
    let words = ran.text.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(
        words.contains("Column 'patient_idd' not found"),
        "{}",
        ran.text
    );
    fs::write(&file, right)?;
    tool.must(&line).await.map(drop)
}

fn written(product: &Product<'_>) -> Result<i64> {
    Ok(end_offsets(&product.kafka(), DRIFT)?.values().sum())
}

/// Waits until the verdict topic has so many records.
async fn verdicts(product: &Product<'_>, count: i64) -> Result<()> {
    until("verdicts", PATIENCE, async || {
        Ok((written(product)? >= count).then_some(()))
    })
    .await
}

async fn phase(product: &Product<'_>, statement: &str, wanted: &str) -> Result<()> {
    until(
        &format!("{statement} to be {wanted}"),
        PATIENCE,
        async || {
            let phase = product.phase(statement).await?;
            if phase == wanted {
                return Ok(Some(()));
            }
            bail!("{phase}")
        },
    )
    .await
}

/// Waits until nothing that Flink made is left.
async fn gone(product: &Product<'_>) -> Result<()> {
    let tables = pipelines()?.tables;
    until("the tables to go", PATIENCE, async || {
        let topics = kafka(product)?.list_topics().await?;
        let left = topics.iter().any(|topic| tables.contains_key(topic));
        Ok((!left).then_some(()))
    })
    .await
}

async fn topic_ids(product: &Product<'_>) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    for topic in RAW {
        let found = kafka(product)?.topic(topic).await?;
        ids.push(found.with_context(|| format!("no topic {topic}"))?.id);
    }
    Ok(ids)
}

fn kafka(product: &Product<'_>) -> Result<Admin> {
    Ok(Admin::new(&KafkaConfig::plaintext(product.kafka()))?)
}

/// With CI=true an absent Python 3.12 is a failure; elsewhere it is said.
#[expect(clippy::print_stderr, reason = "says why nothing was tested")]
fn python_is_there() -> Result<bool> {
    let output = Command::new("bash")
        .args(["-c", ". scripts/prerequisites.sh; python_312"])
        .current_dir(repository())
        .output()?;
    if output.status.success() {
        return Ok(true);
    }
    let reason = text(&output);
    ensure!(std::env::var("CI").as_deref() != Ok("true"), "{reason}");
    eprintln!("shift_left is not tested: {reason}");
    Ok(false)
}

/// Where the environment of the tool is kept, for every clone; HOME is another one in this test.
pub(crate) fn cache() -> Result<String> {
    let output = Command::new("bash")
        .args(["-c", ". scripts/prerequisites.sh; cache_dir"])
        .current_dir(repository())
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn text(output: &Output) -> String {
    let of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    of(&output.stdout) + &of(&output.stderr)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// A file by the end of its name.
fn find(folder: &Path, end: &str) -> Result<Option<PathBuf>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = find(&path, end)? {
                return Ok(Some(found));
            }
        } else if path.display().to_string().ends_with(end) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
