//! The handlers of statements.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::wire::{self, NewStatement};
use super::{Api, ApiError};
use crate::engine;
use crate::model::{Jobs, Phase, Statement};
use crate::name::is_statement_name;
use crate::session::Identity;

/// Statements in a page when the client does not say.
const PAGE_SIZE: usize = 100;
const PAGE_SIZE_MAX: usize = 1000;
/// Longest wait of a GET for a PENDING statement.
const GET_HOLD: Duration = Duration::from_secs(5);

/// The organization and environment of the path, which must be ours, and the client's view of our address.
pub(super) struct Scope {
    pub(super) identity: Identity,
    pub(super) base: String,
}

#[derive(Deserialize)]
struct ScopePath {
    organization: String,
    environment: String,
}

impl FromRequestParts<Api> for Scope {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let Path(path) = Path::<ScopePath>::from_request_parts(parts, api)
            .await
            .map_err(|error| ApiError::bad_request(error.body_text()))?;
        let identity = api.engine.session.identity().clone();
        if path.organization != identity.organization || path.environment != identity.environment {
            return Err(ApiError::not_found(format!(
                "There is no environment '{}' in organization '{}'; here it is '{}' in '{}'.",
                path.environment, path.organization, identity.environment, identity.organization
            )));
        }
        let header = |name: &str| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let scheme = header("x-forwarded-proto").unwrap_or("http");
        let host = header(header::HOST.as_str()).unwrap_or("localhost");
        Ok(Self {
            base: format!("{scheme}://{host}"),
            identity,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Paging {
    page_size: Option<usize>,
    /// The last name of the page before.
    page_token: Option<String>,
}

/// POST: 201 with the statement, as soon as it is no longer PENDING or the hold is over.
pub(super) async fn create(
    State(api): State<Api>,
    scope: Scope,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let new: NewStatement = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("The body is not a statement: {error}.")))?;
    check(&new)?;
    let name = new.name.clone();
    let statement = accepted(&api, new);
    let deadline = Instant::now() + api.hold;
    if !api.engine.store.insert_statement(statement).await? {
        return Err(ApiError::conflict(format!(
            "A statement '{name}' exists already; delete it first."
        )));
    }
    let engine = Arc::clone(&api.engine);
    let started = name.clone();
    // Detached: a client that goes away does not interrupt its statement.
    tokio::spawn(async move { engine.execute(&started).await });
    let statement = settled(&api, &name, deadline)
        .await
        .ok_or_else(|| absent(&name))?;
    Ok((
        StatusCode::CREATED,
        Json(wire::statement(&statement, &scope.identity, &scope.base)),
    ))
}

fn check(new: &NewStatement) -> Result<(), ApiError> {
    if !is_statement_name(&new.name) {
        return Err(ApiError::bad_request(format!(
            "'{}' is not a statement name: use 1 to 100 lower-case letters, digits and '-', with a letter or digit at \
             both ends.",
            new.name
        )));
    }
    if new.spec.statement.trim().is_empty() {
        return Err(ApiError::bad_request("spec.statement is empty."));
    }
    Ok(())
}

fn accepted(api: &Api, new: NewStatement) -> Statement {
    let now = api.engine.store.now();
    let kind = engine::kind(&new.spec.statement);
    let phase = if new.spec.stopped && kind.has_job() {
        Phase::Stopped
    } else {
        Phase::Pending
    };
    Statement {
        name: new.name,
        uid: Uuid::new_v4(),
        kind,
        spec: new.spec,
        labels: new.metadata.labels,
        phase,
        detail: String::new(),
        created_at: now,
        updated_at: now,
        resource_version: 1,
        jobs: Jobs::default(),
        results: None,
        query: None,
    }
}

/// The statement once it is no longer PENDING or STOPPING, or as it is at the deadline; `None` when it was deleted.
async fn settled(api: &Api, name: &str, deadline: Instant) -> Option<Statement> {
    let mut changes = api.engine.store.changes();
    loop {
        let statement = api.engine.store.statement(name)?;
        let over = timeout_at(deadline, changes.changed());
        let moving = matches!(statement.phase, Phase::Pending | Phase::Stopping);
        if !moving || over.await.is_err() {
            return api.engine.store.statement(name);
        }
    }
}

/// GET of one; a PENDING statement is waited for, so that a client that polls learns of the end at once.
pub(super) async fn get_one(
    State(api): State<Api>,
    scope: Scope,
    Path(Named { name }): Path<Named>,
) -> Result<Json<Value>, ApiError> {
    let deadline = Instant::now() + api.hold.min(GET_HOLD);
    let statement = settled(&api, &name, deadline)
        .await
        .ok_or_else(|| absent(&name))?;
    Ok(Json(wire::statement(
        &statement,
        &scope.identity,
        &scope.base,
    )))
}

/// GET of all, in pages, in the order of their names.
pub(super) async fn list(
    State(api): State<Api>,
    scope: Scope,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(paging) = paging.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let size = paging
        .page_size
        .unwrap_or(PAGE_SIZE)
        .clamp(1, PAGE_SIZE_MAX);
    let after = paging.page_token.unwrap_or_default();
    let mut page: Vec<Statement> = api
        .engine
        .store
        .statements()
        .into_iter()
        .filter(|statement| statement.name > after)
        .take(size + 1)
        .collect();
    let more = page.len() > size;
    page.truncate(size);
    let next = page
        .last()
        .filter(|_| more)
        .map(|statement| statement.name.clone());
    Ok(Json(wire::list(
        &page,
        next.as_deref(),
        size,
        &scope.identity,
        &scope.base,
    )))
}

/// DELETE: 202; the statement answers 404 once its job is gone.
pub(super) async fn delete(
    State(api): State<Api>,
    _scope: Scope,
    Path(Named { name }): Path<Named>,
) -> Result<StatusCode, ApiError> {
    let change = |statement: &mut Statement| {
        statement.phase = Phase::Deleting;
        statement.detail.clear();
    };
    api.engine
        .store
        .update_statement(&name, change)
        .await?
        .ok_or_else(|| absent(&name))?;
    // What holds no job is gone with the reply; the reconcile loop goes on with the others.
    if let Some(_own) = api.engine.locks.try_lock(&name) {
        api.engine.remove_locked(&name).await;
    }
    Ok(StatusCode::ACCEPTED)
}

pub(super) fn absent(name: &str) -> ApiError {
    ApiError::not_found(format!("There is no statement '{name}'."))
}
