use std::time::Duration;

use hc_flink_gateway::model::Phase;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Gateway, create, eventually, unique, values};

/// A statement whose rows are wanted.
struct Query<'a> {
    gateway: &'a Gateway,
    name: String,
    next: String,
}

impl<'a> Query<'a> {
    async fn post(gateway: &'a Gateway, sql: &str, properties: Value) -> (Query<'a>, Value) {
        let name = unique("select").replace('_', "-");
        let body = json!({ "name": name, "spec": { "statement": sql, "properties": properties } });
        let response = gateway.http(reqwest::Method::POST, "").json(&body);
        let posted: Value = response.send().await.unwrap().json().await.unwrap();
        let next = format!("{}/{name}/results", gateway.statements());
        (
            Query {
                gateway,
                name,
                next,
            },
            posted,
        )
    }

    /// The next page's `[op, row...]`; nothing after the last page.
    async fn page(&mut self) -> Vec<Value> {
        if self.next.is_empty() {
            return Vec::new();
        }
        let response = reqwest::get(&self.next).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body: Value = response.json().await.unwrap();
        self.next = body["metadata"]["next"].as_str().unwrap().to_owned();
        let changes = body["results"]["data"].as_array().unwrap();
        changes
            .iter()
            .map(|change| {
                let mut line = vec![change["op"].clone()];
                line.extend(change["row"].as_array().unwrap().iter().cloned());
                Value::from(line)
            })
            .collect()
    }

    /// Pages until there are so many changes.
    async fn changes(&mut self, count: usize) -> Vec<Value> {
        let mut all = Vec::new();
        eventually(&format!("{count} rows of {}", self.name), async || {
            all.extend(self.page().await);
            (all.len() >= count).then_some(())
        })
        .await;
        all
    }

    async fn delete(self) {
        self.gateway.client().delete(&self.name).await.unwrap();
    }
}

#[tokio::test]
async fn a_query_streams_its_changes_until_it_is_deleted() {
    let gateway = Gateway::start().await;
    let table = unique("gw_rows");
    gateway.exec(&create(&table), Phase::Completed).await;
    gateway
        .exec(&values(&table, &[1, 2]), Phase::Completed)
        .await;

    let (mut rows, posted) = Query::post(
        &gateway,
        &format!("SELECT id, text FROM `local`.`healthcare`.{table}"),
        json!({}),
    )
    .await;
    assert_eq!(posted["status"]["phase"], "RUNNING", "{posted}");
    let traits = &posted["status"]["traits"];
    assert_eq!(traits["sql_kind"], "SELECT");
    assert_eq!(
        (&traits["is_bounded"], &traits["is_append_only"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(traits["schema"]["columns"][0]["name"], "id");
    assert_eq!(
        traits["schema"]["columns"][0]["type"],
        json!({ "type": "BIGINT", "nullable": false })
    );
    assert_eq!(
        rows.changes(2).await,
        [json!([0, "1", "row 1"]), json!([0, "2", "row 2"])]
    );
    gateway.exec(&values(&table, &[3]), Phase::Completed).await;
    assert_eq!(
        rows.changes(1).await,
        [json!([0, "3", "row 3"])],
        "it goes on"
    );

    let (mut counts, posted) = Query::post(
        &gateway,
        &format!("WITH c AS (SELECT COUNT(*) AS n FROM {table}) SELECT n FROM c"),
        json!({}),
    )
    .await;
    assert_eq!(
        posted["status"]["traits"]["is_append_only"], false,
        "{posted}"
    );
    let changes = counts.changes(5).await;
    assert_eq!(changes[0], json!([0, "1"]));
    assert_eq!(
        changes[3..],
        [json!([1, "2"]), json!([2, "3"])],
        "taken back, then replaced"
    );

    let job = counts.name.clone();
    counts.delete().await;
    rows.delete().await;
    assert!(
        gateway.running(&job).await.is_empty(),
        "its job went with it"
    );
}

#[tokio::test]
async fn a_snapshot_is_the_table_of_now() {
    let gateway = Gateway::start().await;
    let table = unique("gw_now");
    gateway
        .exec(
            &format!("CREATE TABLE {table} (id BIGINT NOT NULL, text STRING, PRIMARY KEY (id) NOT ENFORCED) DISTRIBUTED BY (id) INTO 1 BUCKETS"),
            Phase::Completed,
        )
        .await;
    gateway
        .exec(&values(&table, &[1, 2]), Phase::Completed)
        .await;
    gateway
        .exec(
            &format!("INSERT INTO {table} VALUES (1, 'new')"),
            Phase::Completed,
        )
        .await;

    let now = json!({ "sql.snapshot.mode": "now" });
    let sql = format!("SELECT id, text FROM {table}");
    let (mut rows, posted) = Query::post(&gateway, &sql, now.clone()).await;
    assert_eq!(posted["status"]["phase"], "COMPLETED", "{posted}");
    let traits = &posted["status"]["traits"];
    assert_eq!(
        (&traits["is_bounded"], &traits["is_append_only"]),
        (&json!(true), &json!(true))
    );
    let mut page = rows.page().await;
    page.sort_by_key(Value::to_string);
    assert_eq!(page, [json!([0, "1", "new"]), json!([0, "2", "row 2"])]);
    assert_eq!(rows.next, "", "that was all");

    let (_, posted) = Query::post(&gateway, &format!("SELECT nothing FROM {table}"), now).await;
    assert_eq!(posted["status"]["phase"], "FAILED", "{posted}");
    let detail = posted["status"]["detail"].as_str().unwrap();
    assert!(
        detail.contains("line 1, column 8") && detail.contains("'nothing'"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_query_does_not_outlive_its_gateway() {
    let mut gateway = Gateway::start().await;
    let table = unique("gw_lost");
    gateway.exec(&create(&table), Phase::Completed).await;
    let (rows, posted) = Query::post(&gateway, &format!("SELECT * FROM {table}"), json!({})).await;
    assert_eq!(posted["status"]["phase"], "RUNNING", "{posted}");
    let (name, url) = (rows.name.clone(), rows.next.clone());

    gateway.kill_and_restart().await;
    let stopped = gateway.until_phase(&name, Phase::Stopped).await;
    assert!(
        stopped.status.detail.contains("started again"),
        "{}",
        stopped.status.detail
    );
    assert!(gateway.running(&name).await.is_empty(), "no slot is lost");
    assert_eq!(
        reqwest::get(&url).await.unwrap().status(),
        StatusCode::CONFLICT
    );
    gateway.client().delete(&name).await.unwrap();
}

#[tokio::test]
async fn there_is_a_limit_of_queries() {
    let gateway = Gateway::start().await;
    let table = unique("gw_limit");
    gateway.exec(&create(&table), Phase::Completed).await;
    let sql = format!("SELECT * FROM {table}");
    let mut running = Vec::new();
    for _ in 0..hc_flink_gateway::results::SELECTS_MAX {
        let (query, posted) = Query::post(&gateway, &sql, json!({})).await;
        assert_eq!(posted["status"]["phase"], "RUNNING", "{posted}");
        running.push(query);
    }
    // Not through Query::post, which would wait for it.
    let body =
        json!({ "name": unique("one-more").replace('_', "-"), "spec": { "statement": sql } });
    let waiting = gateway
        .http(reqwest::Method::POST, "")
        .json(&body)
        .timeout(Duration::from_secs(30));
    let (posted, ()) = tokio::join!(waiting.send(), async {
        let name = body["name"].as_str().unwrap();
        let client = gateway.client();
        eventually("the ninth to wait", async || {
            let found = client.get(name).await.ok().flatten()?;
            found
                .status
                .detail
                .contains("which is the limit")
                .then_some(())
        })
        .await;
        running.pop().unwrap().delete().await;
    });
    assert!(posted.unwrap().status().is_success());
    let name = body["name"].as_str().unwrap();
    gateway.until_phase(name, Phase::Running).await;
    gateway.client().delete(name).await.unwrap();
    for query in running {
        query.delete().await;
    }
}
