//! Table `read.consumer_offsets`: how far a projection has read.

use sqlx::PgConnection;

/// A stored position.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StoredOffset {
    pub partition_id: i32,
    /// Kafka's identity of the topic that the offset belongs to.
    pub topic_id: String,
    pub next_offset: i64,
}

/// The positions of a consumer in a topic, by partition.
pub async fn list(
    db: &mut PgConnection,
    consumer: &str,
    topic: &str,
) -> sqlx::Result<Vec<StoredOffset>> {
    sqlx::query_as(
        "SELECT partition_id, topic_id, next_offset FROM read.consumer_offsets
         WHERE consumer = $1 AND topic = $2
         ORDER BY partition_id",
    )
    .bind(consumer)
    .bind(topic)
    .fetch_all(db)
    .await
}

/// Stores the offset of the next record to read, in the transaction of what the records before it caused.
pub async fn store(
    db: &mut PgConnection,
    consumer: &str,
    topic: &str,
    offset: &StoredOffset,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO read.consumer_offsets (consumer, topic, partition_id, topic_id, next_offset)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT consumer_offsets_pkey
         DO UPDATE SET topic_id = excluded.topic_id, next_offset = excluded.next_offset, updated_at = now()",
    )
    .bind(consumer)
    .bind(topic)
    .bind(offset.partition_id)
    .bind(&offset.topic_id)
    .bind(offset.next_offset)
    .execute(db)
    .await
    .map(drop)
}

/// Forgets the positions of a consumer in a topic.
pub async fn delete(db: &mut PgConnection, consumer: &str, topic: &str) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM read.consumer_offsets WHERE consumer = $1 AND topic = $2")
        .bind(consumer)
        .bind(topic)
        .execute(db)
        .await
        .map(drop)
}
