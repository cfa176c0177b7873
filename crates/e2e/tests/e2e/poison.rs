//! Bytes that are not Avro on the topic of readings: the jobs stop at them, the status says where, one command passes them,
//! and nothing that was judged is lost.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hc_e2e::until;
use serde_json::Value;

use crate::home::Home;
use crate::product::Product;
use crate::topics;

const LIMIT: Duration = Duration::from_secs(90);
/// So soon a person must see it.
const VISIBLE: Duration = Duration::from_secs(15);
const DRIFT_STATEMENT: &str = "dev-usw2-hc-dml-hc-fct-drift-evts";
/// Must show up nowhere.
const CONTENT: &str = "Zyxw is no Avro";

async fn statements(product: &Product<'_>) -> Result<Value> {
    let mut status = product.get("/pipeline/status").await?;
    Ok(status["statements"].take())
}

fn drift(statements: &Value) -> Result<&Value> {
    let all = statements["content"].as_array().context("statements")?;
    let mut named = all.iter().filter(|one| one["name"] == DRIFT_STATEMENT);
    named.next().context("the drift statement")
}

async fn newest(product: &Product<'_>) -> Result<i64> {
    let verdicts = product.get("/drift?limit=1").await?;
    Ok(verdicts[0]["ts"].as_i64().unwrap_or_default())
}

#[tokio::test]
async fn a_record_that_is_no_avro_is_shown_and_passed() -> Result<()> {
    let home = Home::new(&[("SIMULATION_RECORDS_PER_SECOND", "30")])?;
    let product = home.start().await?;
    product.simulate("start").await?;
    until("some verdicts", LIMIT, async || {
        let found = product.get("/drift?limit=10").await?;
        Ok((found.as_array().map_or(0, Vec::len) == 10).then_some(()))
    })
    .await?;
    let (kafka, registry) = (product.kafka(), product.registry());
    let before = topics::verdicts(&kafka, &registry).await?.standing;

    let (partition, offset) = topics::send(&kafka, topics::RAW, CONTENT.as_bytes()).await?;
    let place = [topics::RAW, &partition.to_string(), &offset.to_string()];
    let shown = until("the cause and the place", VISIBLE, async || {
        let statements = statements(&product).await?;
        let drift = drift(&statements)?;
        let detail = drift["detail"].as_str().unwrap_or_default();
        let advice = format!("`hc-platform topics skip {}`", place.join(" "));
        ensure!(
            detail.contains("not in Confluent's wire format") && detail.contains(&advice),
            "{drift:#}"
        );
        let unreadable = &drift["job"]["unreadable"][0];
        ensure!(
            unreadable["partition"] == partition && unreadable["offset"] == offset,
            "{drift:#}"
        );
        ensure!(statements["state"] == "degraded", "{statements:#}");
        Ok(Some(statements))
    })
    .await?;
    ensure!(!shown.to_string().contains(CONTENT), "{shown:#}");

    // What would be a mistake is refused.
    let listed = home.topics(&["unreadable", topics::RAW])?;
    ensure!(
        listed.starts_with(&format!("{}: ", place.join(" "))) && listed.lines().count() == 1,
        "{listed}"
    );
    let refused = |words: &[&str], expected: &str| -> Result<()> {
        let words = [&["skip"], words].concat();
        let said = match home.topics(&words) {
            Ok(said) => anyhow::bail!("{words:?} was not refused: {said}"),
            Err(error) => error.to_string(),
        };
        ensure!(said.contains(expected), "{words:?}: {said}");
        ensure!(!said.contains(CONTENT), "{said}");
        Ok(())
    };
    refused(&place, "nothing was deleted")?;
    refused(&place, "every earlier record of the partition")?;
    refused(&[place[0], place[1], "4000000"], "outside of partition")?;
    refused(&[place[0], "77", "0"], "has the partitions 0 to 2")?;
    refused(&["no_such_topic", "0", "0"], "there is no topic")?;
    let first = (offset - 1).to_string();
    refused(
        &[place[0], place[1], &first, "--yes"],
        "the record can be read",
    )?;

    let at = product.get("/simulation/status").await?["storyTime"].clone();
    let passed = home.topics(&[&["skip", "--yes"], &place[..]].concat())?;
    ensure!(
        passed.contains(&format!("begins with offset {} now", offset + 1)),
        "{passed}"
    );
    until("a later reading to be judged", LIMIT, async || {
        let (newest, at) = (newest(&product).await?, at.as_i64().context("storyTime")?);
        ensure!(newest > at, "newest verdict {newest}, passed at {at}");
        Ok(Some(()))
    })
    .await?;
    until("a job that is well", LIMIT, async || {
        let statements = statements(&product).await?;
        let drift = drift(&statements)?;
        ensure!(
            drift["phase"] == "RUNNING" && drift["detail"].is_null(),
            "{drift:#}"
        );
        ensure!(statements["state"] == "ok", "{statements:#}");
        Ok(Some(()))
    })
    .await?;
    product.simulate("stop").await?;
    let after = topics::verdicts(&kafka, &registry).await?.standing;
    let lost = before
        .iter()
        .filter(|(key, old)| after.get(key) != Some(old));
    ensure!(lost.count() == 0, "verdicts from before are gone");
    Ok(())
}
