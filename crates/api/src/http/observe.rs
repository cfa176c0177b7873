//! One middleware around everything: request ids, the access log, and problems as bodies.

use std::{sync::Arc, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;

use super::{
    Json,
    error::{Cause, Problem},
};
use crate::clock::Ids;

/// Name of the header with the request id, in requests and responses.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request an id, answers errors with problem details, and logs one event.
///
/// The event has the route, not the path, and no body: identifiers of patients stay out of the log.
pub async fn observe(State(ids): State<Arc<Ids>>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&request, &ids);
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(no route)", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", request_id = %id);
    async {
        let mut response = with_problem(next.run(request).await, &id);
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let status = response.status().as_u16();
        let millis = started.elapsed().as_secs_f64() * 1000.0;
        let cause = response
            .extensions()
            .get::<Cause>()
            .map(|cause| cause.0.as_str());
        match cause {
            Some(cause) => tracing::error!(%method, route, status, millis, cause, "request"),
            None => tracing::info!(%method, route, status, millis, "request"),
        }
        response
    }
    .instrument(span)
    .await
}

/// The caller's id if it is one, so that a request can be followed through several services.
fn request_id(request: &Request, ids: &Ids) -> String {
    request
        .headers()
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        })
        .map_or_else(|| ids.request().to_string(), str::to_owned)
}

/// Writes the problem that a handler left in the extensions, or one for an error that the framework answered.
fn with_problem(mut response: Response, request_id: &str) -> Response {
    let status = response.status();
    let mut problem = match response.extensions_mut().remove::<Problem>() {
        Some(problem) => problem,
        None if (status.is_client_error() || status.is_server_error()) && !is_json(&response) => {
            Problem::new(status, framework_detail(status).to_owned())
        }
        None => return response,
    };
    request_id.clone_into(&mut problem.request_id);
    let mut answer = (status, Json(problem)).into_response();
    let kept = [header::RETRY_AFTER, header::ALLOW];
    for name in kept {
        if let Some(value) = response.headers_mut().remove(&name) {
            answer.headers_mut().insert(name, value);
        }
    }
    if let Some(cause) = response.extensions_mut().remove::<Cause>() {
        answer.extensions_mut().insert(cause);
    }
    answer.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    answer
}

fn is_json(response: &Response) -> bool {
    response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"))
}

fn framework_detail(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is nothing at this path; /docs lists what there is.",
        StatusCode::METHOD_NOT_ALLOWED => {
            "This path does not support the method; the header Allow lists those that it does."
        }
        StatusCode::PAYLOAD_TOO_LARGE => "The request body is too large.",
        StatusCode::BAD_REQUEST => "The request could not be read.",
        _ => "The service did not serve the request.",
    }
}
