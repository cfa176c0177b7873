//! The lake over a real catalog: tables are taken in when their topics appear, a replaced job goes on where the tables end,
//! and a topic that was made again begins another table. That DuckDB reads it all is a whole-stack test.

use clap::Parser;
use hc_flink_gateway::flink::rows::Page;
use hc_flink_gateway::flink::sql_gateway::{Config, SqlGateway};
use hc_flink_gateway::lake::{Catalog, LakeArgs};
use hc_flink_gateway::model::Phase;
use serde_json::Value;

use crate::support::{Env, Gateway, create, eventually, shared_env, unique, values};

/// What is asked of the lake, in a session of its own.
struct Reader {
    gateway: SqlGateway,
    session: String,
}

impl Reader {
    async fn open(env: &Env) -> Self {
        let gateway = SqlGateway::new(&env["SQL_GATEWAY_URL"]);
        let session = gateway.open_session("test", &Config::new()).await.unwrap();
        let reader = Self { gateway, session };
        for sql in catalog(env).statements() {
            reader.rows(&sql).await.unwrap();
        }
        reader
    }

    /// The first column of a query; `None` when it is refused.
    async fn rows(&self, sql: &str) -> Option<Vec<String>> {
        let (gateway, session) = (&self.gateway, &self.session);
        let config = Config::from([("execution.runtime-mode".into(), "batch".into())]);
        let operation = gateway.submit(session, sql, &config).await.ok()?;
        let (mut rows, mut token) = (Vec::new(), 0);
        loop {
            match gateway.page(session, &operation, token).await.ok()? {
                Page::NotReady => {}
                Page::Rows { changes, .. } => {
                    token += 1;
                    let first = |row: Vec<Value>| row[0].as_str().unwrap_or_default().to_owned();
                    rows.extend(changes.into_iter().map(|change| first(change.row)));
                }
                Page::End => return Some(rows),
            }
        }
    }

    /// The ids in a table of the lake, each as often as it is there.
    async fn ids(&self, table: &str) -> Option<Vec<String>> {
        self.rows(&format!("SELECT id FROM lake.hc.{table} ORDER BY id"))
            .await
    }

    async fn until_ids(&self, table: &str, expected: &[&str]) {
        eventually(&format!("{expected:?} in lake table {table}"), async || {
            (self.ids(table).await? == expected).then_some(())
        })
        .await;
    }
}

fn catalog(env: &Env) -> Catalog {
    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        lake: LakeArgs,
    }
    let args = [
        "test",
        "--lake-catalog-uri",
        &env["LAKE_CATALOG_URI"],
        "--lake-warehouse",
        &env["LAKE_WAREHOUSE"],
    ];
    Catalog::new(&Cli::parse_from(args).lake, &Config::new()).unwrap()
}

/// Asks for the lake; the tables that are in it.
async fn start(gateway: &Gateway) -> Vec<String> {
    let answer = reqwest::Client::new()
        .put(format!("{}/lake", gateway.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let body: Value = answer.json().await.unwrap();
    let tables = body["tables"].as_array().unwrap();
    tables
        .iter()
        .map(|table| table.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_come_and_come_again() {
    let (first, second) = (unique("lake_first"), unique("lake_second"));
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("lake.toml");
    let text = format!(
        "[job]\nreason = \"as in the committed list\"\n\
         config = {{ \"table.exec.iceberg.use-v2-sink\" = \"true\" }}\n[tables.{first}]\n[tables.{second}]\n"
    );
    std::fs::write(&list, text).unwrap();
    let mut env = shared_env();
    let database = std::env::var("DATABASE_URL").unwrap();
    let address = database
        .split('@')
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap();
    env.extend(
        [
            ("FLINK_LAKE_TABLES", list.display().to_string()),
            (
                "LAKE_CATALOG_URI",
                format!("jdbc:postgresql://{address}/lake"),
            ),
            (
                "LAKE_WAREHOUSE",
                folder.path().join("lake").display().to_string(),
            ),
            ("LAKE_COMMIT_INTERVAL", "500 ms".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let gateway = Gateway::start_on(env.clone()).await;
    gateway.exec(&create(&first), Phase::Completed).await;
    gateway
        .exec(&values(&first, &[1, 2]), Phase::Completed)
        .await;

    assert_eq!(start(&gateway).await, std::slice::from_ref(&first));
    gateway.until_phase("lake", Phase::Running).await;
    let reader = Reader::open(&env).await;
    reader.until_ids(&first, &["1", "2"]).await;
    let job = gateway.running("lake").await[0].id.clone();
    assert_eq!(start(&gateway).await, std::slice::from_ref(&first));
    assert_eq!(
        gateway.running("lake").await[0].id,
        job,
        "nothing has changed"
    );

    // The second one appears: another job, which repeats nothing of the first.
    gateway.exec(&create(&second), Phase::Completed).await;
    gateway.exec(&values(&second, &[7]), Phase::Completed).await;
    reader.until_ids(&second, &["7"]).await;
    gateway.exec(&values(&first, &[3]), Phase::Completed).await;
    reader.until_ids(&first, &["1", "2", "3"]).await;

    // The first one is made again: its rows stay under another name.
    let drop = format!("DROP TABLE {first}");
    gateway.exec(&drop, Phase::Completed).await;
    gateway.exec(&create(&first), Phase::Completed).await;
    gateway.exec(&values(&first, &[9]), Phase::Completed).await;
    reader.until_ids(&first, &["9"]).await;
    let tables = reader.rows("SHOW TABLES FROM lake.hc").await.unwrap();
    let old = tables
        .iter()
        .find(|table| table.starts_with(&format!("{first}_until_")))
        .unwrap();
    // Until the gateway notices the new topic, the old job may read it into the old table.
    assert_eq!(reader.ids(old).await.unwrap()[..3], ["1", "2", "3"]);
    reader.until_ids(&second, &["7"]).await;

    let client = gateway.client();
    client.delete("lake").await.unwrap();
    assert!(gateway.running("lake").await.is_empty());
}
