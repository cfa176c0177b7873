//! What a deployment tool asks of Confluent Cloud besides statements: compute pools, environments, topics, metrics.
//! There is one of each, with the names of the configuration; nothing can be made or removed here.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use futures::future::join_all;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, ApiError};
use crate::flink::metrics::Metric;
use crate::model::Phase;

/// Most that a pool is said to have; nobody counts here.
const MAX_CFU: u32 = 50;

pub(super) async fn compute_pools(State(api): State<Api>) -> Json<Value> {
    Json(list("ComputePoolList", vec![pool(&api)]))
}

pub(super) async fn compute_pool(
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let own = &api.engine.session.identity().compute_pool;
    if id == *own {
        return Ok(Json(pool(&api)));
    }
    Err(ApiError::not_found(format!(
        "There is no compute pool '{id}'; here it is '{own}'."
    )))
}

pub(super) async fn no_compute_pools(State(api): State<Api>) -> ApiError {
    ApiError::forbidden(format!(
        "The local Flink is the only compute pool, '{}': none can be created, changed or deleted. Name it with \
         --compute-pool-id.",
        api.engine.session.identity().compute_pool
    ))
}

fn pool(api: &Api) -> Value {
    let identity = api.engine.session.identity();
    let statements = api.engine.store.statements();
    let running = statements
        .iter()
        .filter(|statement| statement.phase == Phase::Running)
        .count();
    json!({
        "api_version": "fcpm/v2",
        "kind": "ComputePool",
        "id": identity.compute_pool,
        "metadata": {},
        "spec": {
            "display_name": identity.compute_pool,
            "cloud": identity.provider.to_uppercase(),
            "region": identity.region,
            "max_cfu": MAX_CFU,
            "enable_ai": false,
            "environment": { "id": identity.environment },
        },
        "status": { "phase": "PROVISIONED", "current_cfu": running },
    })
}

pub(super) async fn environments(State(api): State<Api>) -> Json<Value> {
    let identity = api.engine.session.identity();
    let environment = json!({
        "api_version": "org/v2",
        "kind": "Environment",
        "id": identity.environment,
        "display_name": identity.environment_name,
        "metadata": {},
    });
    Json(list("EnvironmentList", vec![environment]))
}

pub(super) async fn topics(
    State(api): State<Api>,
    Path(cluster): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let own = &api.engine.session.identity().database;
    if cluster != *own {
        return Err(ApiError::not_found(format!(
            "There is no Kafka cluster '{cluster}'; here it is '{own}'."
        )));
    }
    let kafka = &api.engine.kafka;
    let unavailable = |error| {
        tracing::warn!(%error, "topics cannot be listed");
        ApiError::unavailable("Kafka does not answer.")
    };
    let names = kafka.list_topics().await.map_err(unavailable)?;
    let looked_up = join_all(names.iter().map(|name| kafka.topic(name))).await;
    let mut topics = Vec::new();
    for (name, found) in names.iter().zip(looked_up) {
        // Absent: deleted between the list and the look.
        if let Some(topic) = found.map_err(unavailable)? {
            topics.push(json!({
                "kind": "KafkaTopic",
                "cluster_id": cluster,
                "topic_name": name,
                "is_internal": false,
                "partitions_count": topic.partitions,
            }));
        }
    }
    Ok(Json(list("KafkaTopicList", topics)))
}

#[derive(Deserialize)]
struct MetricsQuery {
    aggregations: Vec<Aggregation>,
}

#[derive(Deserialize)]
struct Aggregation {
    metric: String,
}

/// POST of a metrics query: one point of now per running statement. Filters and intervals are not looked at, since there
/// is one pool, and Flink keeps no history. A metric that Flink does not have is empty.
pub(super) async fn metrics(State(api): State<Api>, body: Bytes) -> Result<Json<Value>, ApiError> {
    let query: MetricsQuery = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("The body is not a query: {error}.")))?;
    let [Aggregation { metric }] = &query.aggregations[..] else {
        return Err(ApiError::unprocessable(
            "One aggregation is answered at a time.",
        ));
    };
    let Some(metric) = Metric::from_confluent(metric) else {
        return Ok(Json(json!({ "data": [] })));
    };
    let statements = api.engine.store.statements();
    let running: Vec<(&str, &str)> = statements
        .iter()
        .filter(|statement| statement.kind.has_job() && statement.phase == Phase::Running)
        .filter_map(|statement| Some((statement.name.as_str(), statement.jobs.current()?)))
        .collect();
    let jobs = &api.engine.jobs;
    let values = join_all(running.iter().map(|(_, job)| jobs.metric(job, metric))).await;
    let now = api.engine.store.now();
    let pool = &api.engine.session.identity().compute_pool;
    let data = running.iter().zip(values).filter_map(|((name, _), value)| {
        // A job may end meanwhile; then nothing is known of it.
        let value = value.ok()?;
        Some(json!({
            "resource.flink_statement.name": name,
            "resource.compute_pool.id": pool,
            "points": [{ "timestamp": now, "value": value }],
        }))
    });
    Ok(Json(json!({ "data": data.collect::<Vec<_>>() })))
}

fn list(kind: &str, data: Vec<Value>) -> Value {
    json!({ "kind": kind, "metadata": {}, "data": data })
}
