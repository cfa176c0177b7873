//! What the tables promise to Debezium and to whoever changes a row by hand.

use sqlx::PgPool;

const CAPTURED: [&str; 3] = ["devices", "patients", "prescriptions"];

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn captured_tables_can_be_captured(pool: PgPool) {
    let published: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_publication_tables WHERE pubname = 'debezium_healthcare' ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(
        published,
        ["debezium_heartbeat", "devices", "patients", "prescriptions"]
    );

    let full: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relreplident = 'f' AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(full, CAPTURED);

    // Such a default becomes an Avro default that the registry's Confluent interface cannot give back.
    let poisonous: Vec<String> = sqlx::query_scalar(
        "SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = 'public' AND column_default LIKE '''{}''%'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert!(poisonous.is_empty(), "{poisonous:?}");
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn captured_tables_are_not_truncated(pool: PgPool) {
    for table in CAPTURED {
        let sql = format!("TRUNCATE {table} CASCADE");
        let error = sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&pool)
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains("is captured by Debezium"),
            "{table}: {error}"
        );
    }
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn every_change_has_a_new_version(pool: PgPool) {
    sqlx::query(
        "INSERT INTO patients (patient_id, name, gender, birth_date, zip_code, timezone, created_at, updated_at)
         VALUES ('P1', 'A', 'F', '1980-01-01', '15201', 'UTC', '2026-01-01', '2026-01-01')",
    )
    .execute(&pool)
    .await
    .unwrap();
    let (version, touched, created): (i64, bool, bool) = sqlx::query_as(
        "UPDATE patients SET name = 'B', version = 1, created_at = now() WHERE patient_id = 'P1'
         RETURNING version, updated_at > '2026-01-02', created_at = '2026-01-01'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((version, touched, created), (2, true, true));
}
