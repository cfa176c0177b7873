//! `/lake`: what is in the lake, and the wish to have one. Confluent Cloud has no such route; its Tableflow is set up
//! elsewhere.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::{Api, ApiError};
use crate::engine::Problem;
use crate::lake::{Lake, STATEMENT, Wanted};

/// GET: the listed tables, which of them have a topic, and the phase of the job that copies them.
pub(super) async fn show(State(api): State<Api>) -> Result<Json<Value>, ApiError> {
    let wanted = api.engine.lake_wanted(lake(&api)?).await?;
    Ok(Json(answer(&api, &wanted)))
}

/// PUT: creates the lake's statement, or mends it. The answer is that of GET.
pub(super) async fn start(State(api): State<Api>) -> Result<Json<Value>, ApiError> {
    let wanted = api.engine.start_lake(lake(&api)?).await?;
    Ok(Json(answer(&api, &wanted)))
}

fn lake(api: &Api) -> Result<&Lake, ApiError> {
    api.engine.lake.as_ref().ok_or_else(|| {
        ApiError::not_found(
            "This gateway has no lake: start it with --lake, or with FLINK_LAKE_TABLES.",
        )
    })
}

fn answer(api: &Api, wanted: &Wanted) -> Value {
    let statement = api.engine.store.statement(STATEMENT);
    json!({
        "statement": STATEMENT,
        "phase": statement.as_ref().map(|statement| statement.phase),
        "detail": statement.as_ref().map(|statement| &statement.detail),
        "tables": wanted.tables(),
        "absent": wanted.absent,
    })
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        match problem {
            Problem::Refused(text) => Self::conflict(text),
            Problem::Later(text) => Self::unavailable(format!("waiting for {text}")),
            Problem::Again => Self::unavailable("the SQL Gateway loses its sessions"),
        }
    }
}
