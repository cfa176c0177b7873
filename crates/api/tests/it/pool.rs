//! Connections that come back to the pool, whatever became of those who had them. There is one: whoever has it next finds
//! it as the last one left it.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::time::timeout;

use crate::support::service_pool;

async fn insert(db: &mut PgConnection, key: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO app.idempotency_keys (key, fingerprint, created_at) VALUES ($1, '', now())",
    )
    .bind(key)
    .execute(db)
    .await
    .map(drop)
}

async fn keys(db: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT key FROM app.idempotency_keys ORDER BY key")
        .fetch_all(db)
        .await
        .unwrap()
}

async fn backend(db: &mut PgConnection) -> i32 {
    sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(db)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn what_is_not_committed_has_not_happened(test: PgPool) {
    let pool = service_pool(&test, 1);
    let mut abandoned = pool.begin().await.unwrap();
    let first = backend(&mut abandoned).await;
    insert(&mut abandoned, "abandoned").await.unwrap();
    drop(abandoned);

    // Without the pool's help: nothing is left open when the connection is only lying there.
    let lock = "LOCK TABLE app.idempotency_keys IN ACCESS EXCLUSIVE MODE";
    let mut other = test.begin().await.unwrap();
    let locked = sqlx::query(lock).execute(&mut *other);
    timeout(Duration::from_secs(30), locked)
        .await
        .expect("the lock of the abandoned transaction is gone")
        .unwrap();
    other.rollback().await.unwrap();

    let mut kept = pool.begin().await.unwrap();
    insert(&mut kept, "kept").await.unwrap();
    assert_eq!(backend(&mut kept).await, first);
    kept.commit().await.unwrap();
    let mut refused = pool.begin().await.unwrap();
    insert(&mut refused, "kept").await.unwrap_err();
    drop(refused);
    let mut db = pool.acquire().await.unwrap();
    assert_eq!(keys(&mut db).await, ["kept"]);
    assert_eq!(backend(&mut db).await, first, "and no connection was lost");
    db.release();
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn an_answer_that_nobody_waits_for_reaches_nobody_else(test: PgPool) {
    let pool = service_pool(&test, 1);
    let mut db = pool.acquire().await.unwrap();
    let first = backend(&mut db).await;
    let slow = sqlx::query("SELECT pg_sleep(0.5)").execute(&mut *db);
    timeout(Duration::from_millis(50), slow).await.unwrap_err();
    drop(db);
    let mut db = pool.acquire().await.unwrap();
    assert_eq!(backend(&mut db).await, first);
    db.release();
}

#[sqlx::test(migrations = "../../postgres/migrations")]
async fn a_connection_that_broke_is_replaced(test: PgPool) {
    let pool = service_pool(&test, 1);
    let mut db = pool.acquire().await.unwrap();
    let first = backend(&mut db).await;
    sqlx::query("SELECT pg_terminate_backend($1)")
        .bind(first)
        .execute(&test)
        .await
        .unwrap();
    insert(&mut db, "lost").await.unwrap_err();
    drop(db);
    let mut db = pool.acquire().await.unwrap();
    assert_ne!(backend(&mut db).await, first);
    assert!(keys(&mut db).await.is_empty());
    db.release();
}
