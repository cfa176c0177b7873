//! Stop and resume.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::Value;

use super::statements::{Named, Scope, absent};
use super::{Api, ApiError, wire};
use crate::model::{Phase, Statement};

#[derive(Deserialize)]
struct Operation {
    op: String,
    path: String,
    value: Value,
}

/// PATCH (RFC 6902) of `/spec/stopped`: stops with a savepoint, or resumes from it. The answer is the statement as it is
/// now, STOPPING or PENDING; a GET waits for the end.
pub(super) async fn patch(
    State(api): State<Api>,
    scope: Scope,
    Path(Named { name }): Path<Named>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let stopped = wanted(&body)?;
    let mut refused = None;
    let change = |statement: &mut Statement| refused = set_stopped(statement, stopped).err();
    let statement = api
        .engine
        .store
        .update_statement(&name, change)
        .await?
        .ok_or_else(|| absent(&name))?;
    if let Some(reason) = refused {
        return Err(ApiError::conflict(reason));
    }
    Ok(Json(wire::statement(
        &statement,
        &scope.identity,
        &scope.base,
    )))
}

fn wanted(body: &[u8]) -> Result<bool, ApiError> {
    let operations: Vec<Operation> = serde_json::from_slice(body).map_err(|error| {
        ApiError::bad_request(format!(
            "The body is not a list of patch operations: {error}."
        ))
    })?;
    match &operations[..] {
        [
            Operation {
                op,
                path,
                value: Value::Bool(stopped),
            },
        ] if op == "replace" && path == "/spec/stopped" => Ok(*stopped),
        _ => Err(ApiError::unprocessable(
            "Only one change is known: [{\"op\": \"replace\", \"path\": \"/spec/stopped\", \"value\": true or false}].",
        )),
    }
}

/// Takes the first step; an error says why there is none.
fn set_stopped(statement: &mut Statement, stopped: bool) -> Result<(), String> {
    let (name, phase, kind) = (&statement.name, statement.phase, statement.kind);
    if !kind.can_stop() {
        return Err(format!(
            "Statement '{name}' is {}, which cannot be stopped or resumed.",
            kind.sql_kind()
        ));
    }
    match (phase, stopped) {
        (Phase::Pending | Phase::Running | Phase::Degraded, true) => {
            statement.set_phase(Phase::Stopping, "");
            statement.spec.stopped = true;
        }
        (Phase::Stopped, false) if kind.has_job() => {
            statement.set_phase(Phase::Pending, "");
            statement.spec.stopped = false;
        }
        (Phase::Stopping | Phase::Stopped, true)
        | (Phase::Pending | Phase::Running | Phase::Degraded, false) => {}
        (Phase::Stopping, false) => {
            return Err(format!(
                "Statement '{name}' is still STOPPING; wait for STOPPED."
            ));
        }
        (Phase::Stopped, false) => {
            return Err(format!(
                "Statement '{name}' is a SELECT, whose rows are gone. Delete it and send it again."
            ));
        }
        (Phase::Completed | Phase::Failed | Phase::Deleting, _) => {
            return Err(format!(
                "Statement '{name}' is {phase}; it can neither be stopped nor resumed."
            ));
        }
    }
    Ok(())
}
