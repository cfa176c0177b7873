//! The loss of servers needs servers of one's own.

use std::time::{Duration, Instant};

use hc_flink_gateway::model::Phase;
use hc_platform::{Server, Stack};

use crate::support::{Gateway, create, dashed, eventually, unique, values};

/// A killed JobManager must be made up for within this time once it is there again.
const RECOVERY: Duration = Duration::from_secs(40);

#[tokio::test(flavor = "multi_thread")]
async fn jobs_come_back_after_the_loss_of_the_sql_gateway_and_the_job_manager() {
    let servers = [
        Server::Kafka,
        Server::Registry,
        Server::JobManager,
        Server::TaskManager,
        Server::SqlGateway,
    ];
    let stack = Stack::builder().servers(servers).start().await.unwrap();
    let gateway = Gateway::start_on(stack.env()).await;
    let (from, to) = (unique("gw_from"), unique("gw_to"));
    let name = dashed("dml", &to);
    gateway.exec(&create(&from), Phase::Completed).await;
    gateway.exec(&create(&to), Phase::Completed).await;
    gateway
        .must(
            &name,
            &format!("INSERT INTO {to} SELECT * FROM {from}"),
            Phase::Running,
        )
        .await;
    gateway
        .exec(&values(&from, &[1, 2, 3]), Phase::Completed)
        .await;
    gateway.until_written(&to, 3).await;
    let first = gateway.running(&name).await[0].id.clone();
    gateway.until_checkpoint(&first).await;

    // The session is gone with the SQL Gateway: the next statement waits for it and finds the tables again.
    stack.kill(Server::SqlGateway).await.unwrap();
    let row = values(&from, &[4]);
    let (restarted, ()) = tokio::join!(
        stack.restart(Server::SqlGateway),
        gateway.exec(&row, Phase::Completed)
    );
    restarted.unwrap();
    gateway.until_written(&to, 4).await;
    assert_eq!(
        gateway.running(&name).await[0].id,
        first,
        "the job did not notice"
    );
    gateway.until_checkpoint(&first).await;

    stack.kill(Server::JobManager).await.unwrap();
    let degraded = gateway.until_phase(&name, Phase::Degraded).await;
    assert!(
        degraded.status.detail.contains("JobManager"),
        "{}",
        degraded.status.detail
    );
    stack.restart(Server::JobManager).await.unwrap();
    let back = Instant::now();
    gateway.until_phase(&name, Phase::Running).await;
    assert!(
        back.elapsed() < RECOVERY,
        "recovery took {:?}",
        back.elapsed()
    );
    let jobs = gateway.running(&name).await;
    assert_eq!(jobs.len(), 1);
    assert_ne!(jobs[0].id, first);
    gateway.exec(&values(&from, &[5]), Phase::Completed).await;
    gateway.until_written(&to, 5).await;
    gateway.until_checkpoint(&jobs[0].id).await;
    assert_eq!(
        gateway.written(&to).await,
        5,
        "rows from before the checkpoint are not written again"
    );

    // A stopped statement stays stopped when every server of Flink is lost, and goes on from its savepoint.
    gateway.set_stopped(&name, true).await;
    gateway.until_phase(&name, Phase::Stopped).await;
    for server in [Server::JobManager, Server::TaskManager, Server::SqlGateway] {
        stack.kill(server).await.unwrap();
    }
    for server in [Server::JobManager, Server::TaskManager, Server::SqlGateway] {
        stack.restart(server).await.unwrap();
    }
    gateway.exec(&values(&from, &[6]), Phase::Completed).await;
    gateway.until_phase(&name, Phase::Stopped).await;
    assert_eq!(gateway.written(&to).await, 5);
    gateway.set_stopped(&name, false).await;
    gateway.until_phase(&name, Phase::Running).await;
    gateway.until_written(&to, 6).await;
    let resumed = gateway.running(&name).await[0].id.clone();
    gateway.until_checkpoint(&resumed).await;
    assert_eq!(
        gateway.written(&to).await,
        6,
        "the savepoint had the first five"
    );

    // A statement deleted while nobody can cancel its job is gone once somebody can.
    stack.kill(Server::JobManager).await.unwrap();
    let url = format!(
        "{}/sql/v1/organizations/00000000-0000-0000-0000-000000000000/environments/env-000000/statements/{name}",
        gateway.url()
    );
    let answer = reqwest::Client::new().delete(&url).send().await.unwrap();
    assert_eq!(answer.status(), 202);
    gateway.until_phase(&name, Phase::Deleting).await;
    stack.restart(Server::JobManager).await.unwrap();
    let client = gateway.client();
    eventually("the statement to go", async || {
        client.get(&name).await.unwrap().is_none().then_some(())
    })
    .await;
    assert!(gateway.running(&name).await.is_empty());
}
