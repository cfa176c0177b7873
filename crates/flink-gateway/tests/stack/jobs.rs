use hc_flink_gateway::model::Phase;

use crate::support::{Gateway, create, dashed, eventually, unique, values};

#[tokio::test]
async fn a_job_that_somebody_cancelled_goes_on_from_its_checkpoint() {
    let gateway = Gateway::start().await;
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

    gateway.jobs().cancel(&first).await.unwrap();
    let second = eventually("another job", async || {
        gateway
            .running(&name)
            .await
            .first()
            .map(|job| job.id.clone())
            .filter(|id| *id != first)
    })
    .await;
    gateway.until_phase(&name, Phase::Running).await;
    gateway.exec(&values(&from, &[4]), Phase::Completed).await;
    gateway.until_written(&to, 4).await;
    gateway.until_checkpoint(&second).await;
    assert_eq!(
        gateway.written(&to).await,
        4,
        "rows from before the checkpoint are not written again"
    );

    let checkpoints = gateway.checkpoints();
    eventually("the first job's checkpoints to go", async || {
        (!checkpoints.join(&first).exists()).then_some(())
    })
    .await;
    assert!(checkpoints.join(&second).exists());
    gateway.client().delete(&name).await.unwrap();
    assert!(gateway.running(&name).await.is_empty());
    assert!(!checkpoints.join(&second).exists());
}

#[tokio::test]
async fn a_failing_job_is_degraded_with_its_cause_and_recovers() {
    let gateway = Gateway::start().await;
    let (from, to) = (unique("gw_from"), unique("gw_to"));
    let name = dashed("dml", &to);
    gateway.exec(&create(&from), Phase::Completed).await;
    gateway.exec(&create(&to), Phase::Completed).await;
    let sql = format!("INSERT INTO {to} SELECT id / (id - 7), text FROM {from}");
    gateway.must(&name, &sql, Phase::Running).await;
    gateway
        .exec(&values(&from, &[1, 7, 2]), Phase::Completed)
        .await;
    let degraded = gateway.until_phase(&name, Phase::Degraded).await;
    assert!(
        degraded.status.detail.contains("/ by zero"),
        "{}",
        degraded.status.detail
    );
    gateway.client().delete(&name).await.unwrap();
    assert!(
        gateway.running(&name).await.is_empty(),
        "a failing job can be deleted"
    );
}

#[tokio::test]
async fn statements_run_side_by_side() {
    let gateway = Gateway::start().await;
    let tables: Vec<String> = (0..6).map(|_| unique("gw_many")).collect();
    let work = tables.iter().map(|table| async {
        gateway.exec(&create(table), Phase::Completed).await;
        gateway
            .exec(&values(table, &[1, 2]), Phase::Completed)
            .await;
    });
    futures::future::join_all(work).await;
    for table in &tables {
        assert_eq!(gateway.written(table).await, 2);
    }
}
