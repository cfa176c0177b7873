use std::time::Duration;

use hc_flink_gateway::model::Phase;

use crate::support::{Gateway, create, dashed, unique, values};

#[tokio::test]
async fn a_table_is_a_topic_with_subjects_from_create_to_drop() {
    let gateway = Gateway::start().await;
    let table = unique("gw_life");
    let sql = format!(
        "CREATE TABLE {table} (id BIGINT NOT NULL, text STRING, PRIMARY KEY (id) NOT ENFORCED)
         DISTRIBUTED BY HASH(id) INTO 2 BUCKETS
         WITH ('changelog.mode' = 'upsert', 'kafka.cleanup-policy' = 'compact')"
    );
    gateway.exec(&sql, Phase::Completed).await;
    assert_eq!(
        gateway
            .kafka()
            .topic(&table)
            .await
            .unwrap()
            .unwrap()
            .partitions,
        2
    );
    assert_eq!(
        gateway.kafka().topic_configs(&table).await.unwrap()["cleanup.policy"],
        "compact"
    );

    gateway
        .exec(&values(&table, &[1, 2, 3]), Phase::Completed)
        .await;
    assert_eq!(
        gateway.written(&table).await,
        3,
        "INSERT ... VALUES is COMPLETED when its rows are there"
    );
    for subject in [format!("{table}-key"), format!("{table}-value")] {
        let latest = gateway.registry().latest(&subject).await.unwrap().unwrap();
        assert_eq!(
            latest.version, 1,
            "Flink writes with the schema that CREATE registered: {latest:?}"
        );
    }

    let again = gateway.try_exec(&sql).await;
    assert_eq!(again.status.phase, Phase::Failed);
    assert!(
        again.status.detail.contains("exists already"),
        "{}",
        again.status.detail
    );
    gateway
        .exec(
            &sql.replace("TABLE", "TABLE IF NOT EXISTS"),
            Phase::Completed,
        )
        .await;

    gateway
        .exec(&format!("DROP TABLE {table}"), Phase::Completed)
        .await;
    assert!(gateway.kafka().topic(&table).await.unwrap().is_none());
    assert!(
        gateway
            .registry()
            .latest(&format!("{table}-value"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        gateway
            .registry()
            .latest(&format!("{table}-key"))
            .await
            .unwrap()
            .is_none()
    );
    let gone = gateway.try_exec(&format!("DROP TABLE {table}")).await;
    assert_eq!(gone.status.phase, Phase::Failed);
    gateway
        .exec(&format!("DROP TABLE IF EXISTS {table}"), Phase::Completed)
        .await;
}

#[tokio::test]
async fn wrong_sql_fails_with_the_deepest_cause_and_leaves_nothing() {
    let gateway = Gateway::start().await;
    let table = unique("gw_wrong");
    let failed = async |sql: &str| {
        let statement = gateway.try_exec(sql).await;
        assert_eq!(statement.status.phase, Phase::Failed, "{sql}");
        statement.status.detail
    };

    // What Flink only finds when a table is used is found at CREATE, and the topic is taken back.
    let detail = failed(&format!("CREATE TABLE {table} (id NOTYPE)")).await;
    assert!(detail.contains("NOTYPE"), "{detail}");
    let computed = format!("CREATE TABLE {table} (id BIGINT, twice AS id + nothing)");
    let detail = failed(&computed).await;
    assert!(detail.contains("nothing"), "{detail}");
    assert!(gateway.kafka().topic(&table).await.unwrap().is_none());

    gateway.exec(&create(&table), Phase::Completed).await;
    let detail = failed(&format!(
        "INSERT INTO {table}\nSELECT idd, text\nFROM {table}"
    ))
    .await;
    assert!(
        detail.starts_with("From line 2, column 8 to line 2, column 10"),
        "{detail}"
    );
    assert!(detail.contains("'idd'"), "{detail}");
    let detail = failed(&format!("INSERT INTO {table} SELECT FORM {table} x")).await;
    assert!(
        detail.starts_with("Encountered ") && detail.lines().count() < 10,
        "{detail}"
    );
    let detail = failed(&format!("INSERT INTO {table} SELECT * FROM {table}_absent")).await;
    assert!(detail.contains(&format!("{table}_absent")), "{detail}");
    let target = dashed("x", &table).replace('-', "_");
    let detail = failed(&format!("INSERT INTO {target} SELECT * FROM {table}")).await;
    assert!(
        detail.contains(&target) && detail.contains("does not exist"),
        "{detail}"
    );
}

#[tokio::test]
async fn a_killed_gateway_comes_back_with_its_tables_and_jobs() {
    let mut gateway = Gateway::start().await;
    let (from, to) = (unique("gw_from"), unique("gw_to"));
    let job = dashed("dml", &to);
    gateway.exec(&create(&from), Phase::Completed).await;
    gateway.exec(&create(&to), Phase::Completed).await;
    gateway
        .must(
            &job,
            &format!("INSERT INTO {to} SELECT * FROM {from}"),
            Phase::Running,
        )
        .await;
    let before = gateway.running(&job).await;
    assert_eq!(before.len(), 1);

    gateway.kill_and_restart().await;
    gateway.until_phase(&job, Phase::Running).await;
    gateway
        .exec(&values(&from, &[1, 2]), Phase::Completed)
        .await;
    gateway.until_written(&to, 2).await;
    let after = gateway.running(&job).await;
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].id, before[0].id, "a job that runs is left alone");

    let took = gateway.terminate().await;
    assert!(took < Duration::from_secs(5), "stopping took {took:?}");
    assert_eq!(
        gateway.running(&job).await,
        after,
        "jobs go on without a gateway"
    );
    gateway.kill_and_restart().await;
    gateway.client().delete(&job).await.unwrap();
    assert!(gateway.running(&job).await.is_empty());
}
