//! Requests and replies of the API as JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::model::{Kind, Phase, ResultSet, Spec, Statement};
use crate::results::ResultPage;
use crate::session::Identity;

/// Body of a POST. `organization_id` and `environment_id` repeat the path and are not looked at.
#[derive(Debug, Deserialize)]
pub(super) struct NewStatement {
    pub name: String,
    pub spec: Spec,
    #[serde(default)]
    pub metadata: NewMetadata,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct NewMetadata {
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A statement in a reply. `base` is the scheme and host that the client used.
pub(super) fn statement(statement: &Statement, identity: &Identity, base: &str) -> Value {
    let url = url(&statement.name, identity, base);
    let mut status = json!({
        "phase": statement.phase.to_string(),
        "detail": statement.detail,
    });
    if !matches!(statement.phase, Phase::Pending | Phase::Failed) {
        status["traits"] = traits(statement);
    }
    json!({
        "api_version": "sql/v1",
        "kind": "Statement",
        "name": statement.name,
        "organization_id": identity.organization,
        "environment_id": identity.environment,
        "metadata": {
            "uid": statement.uid,
            "self": url,
            "created_at": statement.created_at,
            "updated_at": statement.updated_at,
            "resource_version": statement.resource_version.to_string(),
            "labels": statement.labels,
        },
        "spec": {
            "statement": statement.spec.statement,
            "properties": statement.spec.properties,
            "compute_pool_id": statement.spec.compute_pool_id,
            "principal": statement.spec.principal,
            "stopped": statement.spec.stopped,
        },
        "status": status,
    })
}

fn traits(statement: &Statement) -> Value {
    let query = statement.query.as_ref();
    let schema = match (query, &statement.results) {
        (Some(query), _) => json!({ "columns": query.columns }),
        (None, Some(results)) => schema(results),
        (None, None) => json!({}),
    };
    let endless = matches!(
        statement.kind,
        Kind::InsertInto | Kind::StatementSet | Kind::Lake
    );
    json!({
        "sql_kind": statement.kind.sql_kind(),
        "is_bounded": query.map_or(!endless, |query| query.bounded),
        "is_append_only": query.is_none_or(|query| query.append_only),
        "schema": schema,
        // Flink takes a changed row back before it sends the new one, so that no key is needed to follow it.
        "upsert_columns": null,
        "connection_refs": [],
    })
}

/// Rows that the gateway answers itself are all text.
fn schema(results: &ResultSet) -> Value {
    let column = |name: &String| json!({ "name": name, "type": { "type": "VARCHAR", "nullable": false, "length": 2_147_483_647 } });
    json!({ "columns": results.columns.iter().map(column).collect::<Vec<_>>() })
}

/// A page of statements; `next` is empty at the end.
pub(super) fn list(
    page: &[Statement],
    next: Option<&str>,
    page_size: usize,
    identity: &Identity,
    base: &str,
) -> Value {
    let all = collection(identity, base);
    json!({
        "api_version": "sql/v1",
        "kind": "StatementList",
        "metadata": {
            "self": all,
            "next": next.map_or_else(String::new, |token| format!("{all}?page_size={page_size}&page_token={token}")),
        },
        "data": page.iter().map(|one| statement(one, identity, base)).collect::<Vec<_>>(),
    })
}

/// The only page of results that the gateway made itself.
pub(super) fn own_results(statement: &Statement, identity: &Identity, base: &str) -> Value {
    let rows = statement.results.iter().flat_map(|results| &results.rows);
    let data = rows.map(|row| json!({ "op": 0, "row": row })).collect();
    result_page(statement, data, None, identity, base)
}

/// A page of a query's results.
pub(super) fn query_results(
    statement: &Statement,
    page: &ResultPage,
    identity: &Identity,
    base: &str,
) -> Value {
    let rows = page.changes.iter();
    let data = rows
        .map(|change| json!({ "op": change.op as u8, "row": change.row }))
        .collect();
    let next = page.more.then_some(page.number + 1);
    result_page(statement, data, next, identity, base)
}

fn result_page(
    statement: &Statement,
    data: Vec<Value>,
    next: Option<u64>,
    identity: &Identity,
    base: &str,
) -> Value {
    let own = format!("{}/results", url(&statement.name, identity, base));
    json!({
        "api_version": "sql/v1",
        "kind": "StatementResult",
        "metadata": {
            "self": own,
            "created_at": statement.created_at,
            "next": next.map_or_else(String::new, |number| format!("{own}?page_token={number}")),
        },
        "results": { "data": data },
    })
}

fn collection(identity: &Identity, base: &str) -> String {
    let Identity {
        organization,
        environment,
        ..
    } = identity;
    format!("{base}/sql/v1/organizations/{organization}/environments/{environment}/statements")
}

fn url(name: &str, identity: &Identity, base: &str) -> String {
    format!("{}/{name}", collection(identity, base))
}
