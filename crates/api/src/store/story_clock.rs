//! Table `app.story_clock`: one row with the simulated time.

use hc_domain::EpochMillis;
use sqlx::PgConnection;

/// The stored time, if a simulation ever ran.
pub async fn get(db: &mut PgConnection) -> sqlx::Result<Option<EpochMillis>> {
    sqlx::query_scalar("SELECT story_time FROM app.story_clock WHERE id = 1")
        .fetch_optional(db)
        .await
}

/// Moves the clock forward; a time before the stored one changes nothing.
pub async fn advance(db: &mut PgConnection, to: EpochMillis) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO app.story_clock AS clock (id, story_time) VALUES (1, $1)
         ON CONFLICT ON CONSTRAINT story_clock_pkey
         DO UPDATE SET story_time = excluded.story_time, updated_at = now()
         WHERE clock.story_time < excluded.story_time",
    )
    .bind(to)
    .execute(db)
    .await
    .map(drop)
}
