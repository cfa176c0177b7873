use hc_flink_gateway::model::Phase;
use serde_json::{Value, json};

use crate::support::{Gateway, create, dashed, eventually, unique, values};

#[tokio::test]
async fn records_and_topics_are_those_of_the_servers() {
    let gateway = Gateway::start().await;
    let (from, to) = (unique("gw_from"), unique("gw_to"));
    let name = dashed("dml", &to);
    gateway.exec(&create(&from), Phase::Completed).await;
    gateway.exec(&create(&to), Phase::Completed).await;
    let sql = format!("INSERT INTO {to} SELECT id, text FROM {from} WHERE id > 1");
    gateway.must(&name, &sql, Phase::Running).await;
    gateway
        .exec(&values(&from, &[1, 2, 3]), Phase::Completed)
        .await;

    let http = reqwest::Client::new();
    for (metric, expected) in [("in", 3), ("out", 2)] {
        let query = json!({ "aggregations": [{ "metric": format!("io.confluent.flink/num_records_{metric}") }] });
        eventually(&format!("{expected} records {metric}"), async || {
            let request = http
                .post(format!("{}/v2/metrics/cloud/query", gateway.url()))
                .json(&query);
            let body: Value = request.send().await.ok()?.json().await.ok()?;
            let mut series = body["data"].as_array()?.iter();
            let own = series.find(|one| one["resource.flink_statement.name"] == name)?;
            (own["points"][0]["value"] == expected).then_some(())
        })
        .await;
    }

    let url = format!("{}/kafka/v3/clusters/lkc-000000/topics", gateway.url());
    let body: Value = reqwest::get(&url).await.unwrap().json().await.unwrap();
    let topics = body["data"].as_array().unwrap();
    let own = topics.iter().find(|topic| topic["topic_name"] == from);
    let own = own.unwrap();
    assert_eq!(
        (&own["partitions_count"], &own["cluster_id"]),
        (&json!(1), &json!("lkc-000000"))
    );
    gateway.client().delete(&name).await.unwrap();
}

#[tokio::test]
async fn names_may_be_qualified_by_display_names() {
    let gateway = Gateway::start().await;
    let table = unique("gw_alias");
    let created = create(&table).replace(&table, &format!("`local`.`healthcare`.`{table}`"));
    gateway.exec(&created, Phase::Completed).await;
    let sql = values(&format!("`env-000000`.healthcare.{table}"), &[1]);
    gateway.exec(&sql, Phase::Completed).await;
    assert_eq!(gateway.written(&table).await, 1);
    let elsewhere = gateway
        .try_exec(&format!(
            "INSERT INTO `other`.`healthcare`.{table} VALUES (1, 'x')"
        ))
        .await;
    assert_eq!(elsewhere.status.phase, Phase::Failed);
    assert!(
        elsewhere.status.detail.contains("'other'"),
        "{}",
        elsewhere.status.detail
    );
}
