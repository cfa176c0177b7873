use hc_flink_gateway::model::Phase;

use crate::support::{Gateway, create, dashed, eventually, unique, values};

#[tokio::test]
async fn a_stopped_statement_goes_on_where_it_was_also_in_another_process() {
    let mut gateway = Gateway::start().await;
    let (from, to) = (unique("gw_from"), unique("gw_sum"));
    let name = dashed("dml", &to);
    gateway.exec(&create(&from), Phase::Completed).await;
    gateway
        .exec(
            &format!("CREATE TABLE {to} (k BIGINT NOT NULL, total BIGINT, PRIMARY KEY (k) NOT ENFORCED) DISTRIBUTED BY (k) INTO 1 BUCKETS"),
            Phase::Completed,
        )
        .await;
    let sql =
        format!("INSERT INTO {to} SELECT MOD(id, 1), SUM(id) FROM {from} GROUP BY MOD(id, 1)");
    gateway.must(&name, &sql, Phase::Running).await;
    gateway
        .exec(&values(&from, &[1, 2]), Phase::Completed)
        .await;
    gateway.until_written(&to, 2).await;
    let first = gateway.running(&name).await[0].id.clone();

    gateway.set_stopped(&name, true).await;
    // Killed while it stops: the savepoint is found all the same.
    gateway.kill_and_restart().await;
    gateway.until_phase(&name, Phase::Stopped).await;
    assert!(gateway.running(&name).await.is_empty());
    let savepoints = gateway.checkpoints().join("savepoints").join(&first);
    assert_eq!(std::fs::read_dir(&savepoints).unwrap().count(), 1);
    gateway.exec(&values(&from, &[3]), Phase::Completed).await;
    gateway.kill_and_restart().await;
    gateway.until_phase(&name, Phase::Stopped).await;
    assert_eq!(gateway.written(&to).await, 2, "it stays stopped");

    gateway.set_stopped(&name, false).await;
    gateway.until_phase(&name, Phase::Running).await;
    gateway.until_written(&to, 3).await;
    let second = gateway.running(&name).await[0].id.clone();
    assert_ne!(second, first);
    gateway.until_checkpoint(&second).await;
    assert_eq!(
        gateway.written(&to).await,
        3,
        "one row more: the sum went on, nothing was read again"
    );
    eventually("the savepoint to go", async || {
        (!savepoints.exists()).then_some(())
    })
    .await;

    gateway.set_stopped(&name, true).await;
    gateway.until_phase(&name, Phase::Stopped).await;
    gateway.client().delete(&name).await.unwrap();
    let left = gateway.checkpoints().join("savepoints").join(&second);
    assert!(
        !left.exists(),
        "what was stopped is deleted with its savepoint"
    );
}
