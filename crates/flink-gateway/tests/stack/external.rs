use hc_flink_gateway::model::Phase;
use hc_kafka::TopicSpec;

use crate::support::{Gateway, create, dashed, unique, values};

const KEY: &str = r#"{"type":"record","name":"K","fields":[{"name":"device_id","type":"string"}]}"#;
const VALUE: &str = r#"{"type":"record","name":"V","fields":[{"name":"ts","type":"long"},
    {"name":"note","type":["null","string"],"default":null}]}"#;

#[tokio::test]
async fn a_topic_of_others_is_a_table_when_first_named() {
    let gateway = Gateway::start().await;
    let (raw, copy) = (unique("gw_raw"), unique("gw_copy"));
    gateway
        .kafka()
        .create_topic(&TopicSpec::new(&raw, 2))
        .await
        .unwrap();
    gateway
        .registry()
        .register(&format!("{raw}-key"), KEY)
        .await
        .unwrap();
    gateway
        .registry()
        .register(&format!("{raw}-value"), VALUE)
        .await
        .unwrap();

    // Preparing a table is repeatable, and outlives a restart.
    let add = format!("ALTER TABLE {raw} ADD event_time AS TO_TIMESTAMP_LTZ(ts, 3)");
    let watermark = format!(
        "ALTER TABLE {raw} MODIFY WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND"
    );
    for _ in 0..2 {
        gateway.exec(&add, Phase::Completed).await;
        gateway.exec(&watermark, Phase::Completed).await;
    }
    let clash = gateway
        .try_exec(&add.replace("TO_TIMESTAMP_LTZ(ts, 3)", "ts + 1"))
        .await;
    assert_eq!(clash.status.phase, Phase::Failed);
    assert!(
        clash.status.detail.contains("event_time"),
        "{}",
        clash.status.detail
    );
    let mut gateway = gateway;
    gateway.kill_and_restart().await;

    let ddl = format!(
        "CREATE TABLE {copy} (device_id STRING, at TIMESTAMP(3)) DISTRIBUTED INTO 1 BUCKETS"
    );
    gateway.exec(&ddl, Phase::Completed).await;
    let name = dashed("dml", &copy);
    let sql =
        format!("INSERT INTO {copy} SELECT device_id, CAST(event_time AS TIMESTAMP(3)) FROM {raw}");
    gateway.must(&name, &sql, Phase::Running).await;
    gateway
        .exec(
            &format!("INSERT INTO {raw} VALUES ('d1', 5, 'x')"),
            Phase::Completed,
        )
        .await;
    gateway.until_written(&copy, 1).await;

    let drop = gateway.try_exec(&format!("DROP TABLE {raw}")).await;
    assert_eq!(drop.status.phase, Phase::Failed);
    assert!(
        drop.status.detail.contains("another application"),
        "{}",
        drop.status.detail
    );
    assert!(gateway.kafka().topic(&raw).await.unwrap().is_some());
    assert!(
        gateway
            .registry()
            .latest(&format!("{raw}-value"))
            .await
            .unwrap()
            .is_some()
    );
    gateway.client().delete(&name).await.unwrap();
}

#[tokio::test]
async fn a_topic_of_others_is_not_dropped_before_it_was_ever_used() {
    let gateway = Gateway::start().await;
    let raw = unique("gw_raw");
    gateway
        .kafka()
        .create_topic(&TopicSpec::new(&raw, 1))
        .await
        .unwrap();
    gateway
        .registry()
        .register(&format!("{raw}-value"), VALUE)
        .await
        .unwrap();
    let drop = gateway
        .try_exec(&format!("DROP TABLE IF EXISTS {raw}"))
        .await;
    assert_eq!(drop.status.phase, Phase::Failed, "{}", drop.status.detail);
    assert!(gateway.kafka().topic(&raw).await.unwrap().is_some());
}

#[tokio::test]
async fn a_table_created_over_a_leftover_topic_needs_its_partitions() {
    let gateway = Gateway::start().await;
    let (fits, differs) = (unique("gw_fits"), unique("gw_differs"));
    gateway
        .kafka()
        .create_topic(&TopicSpec::new(&fits, 1))
        .await
        .unwrap();
    gateway
        .kafka()
        .create_topic(&TopicSpec::new(&differs, 3))
        .await
        .unwrap();
    gateway.exec(&create(&fits), Phase::Completed).await;
    gateway.exec(&values(&fits, &[1]), Phase::Completed).await;
    let refused = gateway.try_exec(&create(&differs)).await;
    assert_eq!(refused.status.phase, Phase::Failed);
    assert!(
        refused.status.detail.contains("3 partitions"),
        "{}",
        refused.status.detail
    );
    assert!(
        gateway.kafka().topic(&differs).await.unwrap().is_some(),
        "what we did not make stays"
    );
}
