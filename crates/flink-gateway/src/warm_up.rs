//! A small job before the first real one.
//!
//! The first statement of a fresh cluster pays for loading the planner, the code generator and RocksDB: several seconds
//! on a laptop. They pass while nobody waits yet, between the start of the servers and the first deployment.

use crate::flink::FlinkError;
use crate::flink::sql_gateway::{Config, SqlGateway};

const TABLE: &str = "CREATE TEMPORARY TABLE warm_up (k INT, v DOUBLE, n BIGINT, PRIMARY KEY (k) NOT ENFORCED) \
    WITH ('connector' = 'blackhole')";

/// The same operators as the pipelines use: unfolded JSON, a keyed join, a grouped aggregate.
const JOB: &str = "INSERT INTO warm_up \
    SELECT a.k, LAST_VALUE(TRY_CAST(JSON_VALUE(p, '$.x') AS DOUBLE)), COUNT(*) \
    FROM (VALUES (1, 'x'), (2, 'y')) AS a (k, v) \
    JOIN (VALUES (1, '[{\"x\": 1}]')) AS b (k, v) ON a.k = b.k AND a.v <> b.v \
    CROSS JOIN UNNEST(JSON_QUERY(b.v, '$' RETURNING ARRAY<STRING>)) AS t (p) \
    GROUP BY a.k";

/// Runs the job in a session of its own. A failure changes nothing but the time of the first statement.
pub async fn run(gateway: &SqlGateway) {
    if let Err(error) = try_run(gateway).await {
        tracing::debug!(%error, "no warm-up");
    }
}

async fn try_run(gateway: &SqlGateway) -> Result<(), FlinkError> {
    let session = gateway
        .open_session("hc-flink-gateway-warm-up", &Config::new())
        .await?;
    let config = Config::from([
        ("pipeline.name".into(), "warm-up".into()),
        ("state.backend.type".into(), "rocksdb".into()),
        ("table.dml-sync".into(), "true".into()),
    ]);
    let mut result = Ok(());
    for sql in [TABLE, JOB] {
        result = match gateway.submit(&session, sql, &config).await {
            Ok(operation) => gateway.finish(&session, &operation).await.map(drop),
            Err(error) => Err(error),
        };
        if result.is_err() {
            break;
        }
    }
    gateway.close_session(&session).await;
    result
}
