//! The rows of a statement, page by page.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::Value;

use super::statements::{Named, Scope, absent};
use super::{Api, ApiError, wire};
use crate::model::{Kind, Phase};

#[derive(Deserialize)]
pub(super) struct ResultPaging {
    #[serde(default)]
    page_token: Option<u64>,
}

/// GET of results: what has come since the page before, which may be nothing yet.
pub(super) async fn results(
    State(api): State<Api>,
    scope: Scope,
    Path(Named { name }): Path<Named>,
    paging: Result<Query<ResultPaging>, QueryRejection>,
) -> Result<Json<Value>, ApiError> {
    let Query(paging) = paging.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let statement = api
        .engine
        .store
        .statement(&name)
        .ok_or_else(|| absent(&name))?;
    if statement.kind != Kind::Select {
        return Ok(Json(wire::own_results(
            &statement,
            &scope.identity,
            &scope.base,
        )));
    }
    if statement.phase == Phase::Failed {
        return Err(ApiError::conflict(format!(
            "Statement '{name}' is FAILED: {}",
            statement.detail
        )));
    }
    let select = api.engine.selects.get(&name).ok_or_else(|| {
        ApiError::conflict(format!(
            "Statement '{name}' is {} and has no rows. {}",
            statement.phase, statement.detail
        ))
    })?;
    let number = paging.page_token.unwrap_or(0);
    let page = select.results.page(number).ok_or_else(|| {
        ApiError::bad_request(format!(
            "Page {number} of the results of '{name}' is over or has not come; follow metadata.next."
        ))
    })?;
    Ok(Json(wire::query_results(
        &statement,
        &page,
        &scope.identity,
        &scope.base,
    )))
}
