//! `hc-bench rest`

use std::process::Output;

use hc_platform::{Server, Stack};
use tokio::process::Command;

use crate::report;

async fn bench(database_url: &str, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hc-bench"))
        .arg("rest")
        .args(args)
        .env("DATABASE_URL", database_url)
        .output()
        .await
        .unwrap()
}

#[tokio::test]
async fn measures_every_case_and_leaves_nothing_behind() {
    let stack = Stack::builder()
        .servers([Server::Postgres])
        .start()
        .await
        .unwrap();
    let url = &stack.env()["DATABASE_URL"];
    let quick = [
        "--connections",
        "1,3",
        "--rows",
        "6",
        "--seconds",
        "0.3",
        "--warm-up",
        "0.1",
    ];

    let output = bench(url, &[&quick[..], &["--json"]].concat()).await;
    let report = report(&output);
    let results = report["results"].as_array().unwrap();
    let cases: Vec<_> = results
        .iter()
        .map(|result| {
            (
                result["case"].as_str().unwrap(),
                result["connections"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected: Vec<_> = [
        "health",
        "patients",
        "list-few",
        "list-many",
        "get",
        "post",
        "put",
    ]
    .into_iter()
    .flat_map(|case| [(case, 1), (case, 3)])
    .collect();
    assert_eq!(cases, expected);
    for result in results {
        assert!(result["requests"].as_u64().unwrap() > 0, "{result}");
        assert!(result["cpuMsPerRequest"].as_f64().is_some(), "{result}");
        assert!(
            result["p50Ms"].as_f64() <= result["p99Ms"].as_f64(),
            "{result}"
        );
        assert_eq!(result["unexpected"], serde_json::json!({}));
    }

    let pool = sqlx::PgPool::connect(url).await.unwrap();
    let rows: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM patients) + (SELECT count(*) FROM devices) + (SELECT count(*) FROM prescriptions)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(rows, 0);

    // A server that refuses what it should do makes the run fail.
    sqlx::query("ALTER TABLE prescriptions ADD CONSTRAINT once CHECK (version = 1)")
        .execute(&pool)
        .await
        .unwrap();
    let output = bench(url, &[&quick[..], &["--cases", "put"]].concat()).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("requests failed (PUT /prescriptions/{id}), such as: 500"),
        "{said}"
    );
}
