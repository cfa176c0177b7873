use std::path::Path;

use hc_flink_gateway::proxy;
use reqwest::{Certificate, Client, ClientBuilder, Proxy};
use serde_json::Value;

use crate::support::{STATEMENTS, app, new_statement};

const FLINK: &str = "https://flink.us-west-2.aws.confluent.cloud";

/// The API with its proxy on a free port, whose address is given.
async fn serve(dir: &Path) -> String {
    let app = proxy::over(app(dir, None), &dir.join("tls"), "us-west-2", "aws").unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn through(address: &str) -> ClientBuilder {
    Client::builder().proxy(Proxy::https(address).unwrap())
}

#[tokio::test]
async fn the_api_answers_under_the_names_of_confluent_cloud() {
    let dir = tempfile::tempdir().unwrap();
    let address = serve(dir.path()).await;
    let authority = std::fs::read(dir.path().join("tls/ca.pem")).unwrap();
    let client = through(&address)
        .tls_certs_only([Certificate::from_pem(&authority).unwrap()])
        .build()
        .unwrap();

    for url in [
        "https://api.confluent.cloud/fcpm/v2/compute-pools",
        "https://api.confluent.cloud/org/v2/environments",
        &format!("{FLINK}{STATEMENTS}"),
    ] {
        let response = client.get(url).send().await.unwrap();
        assert_eq!(response.status(), 200, "{url}");
    }
    let posted: Value = client
        .post(format!("{FLINK}{STATEMENTS}"))
        .json(&new_statement("s", "SHOW TABLES"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        posted["metadata"]["self"],
        format!("{FLINK}{STATEMENTS}/s"),
        "addresses are those that the client can use"
    );

    let foreign = client.get("https://example.com/").send().await;
    assert!(foreign.is_err(), "{foreign:?}");
    // The plain port goes on as before.
    let plain = Client::builder().no_proxy().build().unwrap();
    let response = plain.get(format!("{address}/health")).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn only_who_trusts_the_authority_gets_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let address = serve(dir.path()).await;
    let client = through(&address).build().unwrap();
    let answer = client
        .get("https://api.confluent.cloud/org/v2/environments")
        .send()
        .await;
    assert!(answer.is_err(), "{answer:?}");
}
