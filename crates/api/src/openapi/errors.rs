//! The errors of an operation follow from what it takes: an identifier in the path can be unknown, a precondition
//! can be stale, a body can be too large. Each is described once, with an example that the service itself makes.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::Value;
use utoipa::openapi::{
    Content, ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder,
    path::{Operation, Parameter, ParameterIn},
};

use super::headers;
use crate::http::{ApiError, Problem, body::MAX_BODY, idempotency::IDEMPOTENCY_KEY};

const PROBLEM_JSON: &str = "application/problem+json";

/// An error that several operations share.
struct Shared {
    name: &'static str,
    description: &'static str,
    example: ApiError,
}

fn shared() -> [Shared; 9] {
    let all = [
        (
            "BadRequest",
            "A parameter, a header or the body cannot be read",
            ApiError::parameter("limit", "must be a whole number from 1 to 1000"),
        ),
        (
            "NotFound",
            "There is nothing with this identifier",
            ApiError::NotFound {
                kind: "patient",
                id: "P404".to_owned(),
            },
        ),
        (
            "PreconditionFailed",
            "The resource has another version than those in `If-Match`",
            ApiError::PreconditionFailed { current: 4 },
        ),
        (
            "ContentTooLarge",
            "The body is larger than 65536 bytes",
            ApiError::TooLarge { limit: MAX_BODY },
        ),
        (
            "UnsupportedMediaType",
            "The body is not said to be JSON",
            ApiError::UnsupportedMediaType {
                expected: crate::http::body::EXPECTED,
            },
        ),
        (
            "UnprocessableContent",
            "The body is JSON, but breaks a rule; `errors` says which, and where",
            ApiError::invalid("/birthDate", "must not be in the future"),
        ),
        (
            "PreconditionRequired",
            "The change does not say which version it is meant for",
            ApiError::PreconditionRequired,
        ),
        (
            "InternalServerError",
            "The service failed; its log has the cause under the request id",
            ApiError::Internal(anyhow::anyhow!("an example")),
        ),
        (
            "ServiceUnavailable",
            "Something that the service needs does not answer now, or is not configured; try again later",
            ApiError::Unavailable {
                detail: "The database does not answer; try again.".to_owned(),
                retry_after: Duration::from_secs(2),
                cause: None,
            },
        ),
    ];
    all.map(|(name, description, example)| Shared {
        name,
        description,
        example,
    })
}

/// The shared errors, by their names.
pub(super) fn components() -> impl Iterator<Item = (String, RefOr<Response>)> {
    shared().into_iter().map(|error| {
        let status = error.example.status();
        let mut response = ResponseBuilder::new()
            .description(error.description)
            .content(PROBLEM_JSON, problem(Some(error.example.problem())))
            .build();
        headers::add_to(&mut response, status.as_u16());
        (error.name.to_owned(), response.into())
    })
}

/// Adds what follows from what the operation takes, and completes the errors that it declares itself.
pub(super) fn add(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let (RefOr::T(response), true) = (response, status.starts_with(['4', '5'])) {
            response
                .content
                .entry(PROBLEM_JSON.to_owned())
                .or_insert_with(|| problem(None).into());
        }
    }
    let mut statuses = vec![
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
    ];
    for parameter in operation.parameters.iter().flatten() {
        if let RefOr::T(parameter) = parameter {
            statuses.extend(of_parameter(parameter));
        }
    }
    if operation.request_body.is_some() {
        statuses.extend([
            StatusCode::BAD_REQUEST,
            StatusCode::PAYLOAD_TOO_LARGE,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            StatusCode::UNPROCESSABLE_ENTITY,
        ]);
    }
    for error in shared() {
        let status = error.example.status();
        if statuses.contains(&status) {
            operation
                .responses
                .responses
                .entry(status.as_str().to_owned())
                .or_insert_with(|| Ref::from_response_name(error.name).into());
        }
    }
}

fn of_parameter(parameter: &Parameter) -> Vec<StatusCode> {
    let mut statuses = vec![StatusCode::BAD_REQUEST];
    match parameter.parameter_in {
        ParameterIn::Path => statuses.push(StatusCode::NOT_FOUND),
        ParameterIn::Header if parameter.name == "If-Match" => {
            statuses.push(StatusCode::PRECONDITION_FAILED);
            if parameter.required == Required::True {
                statuses.push(StatusCode::PRECONDITION_REQUIRED);
            }
        }
        ParameterIn::Header
            if parameter
                .name
                .eq_ignore_ascii_case(IDEMPOTENCY_KEY.as_str()) =>
        {
            statuses.push(StatusCode::UNPROCESSABLE_ENTITY);
        }
        _ => {}
    }
    statuses
}

fn problem(example: Option<Problem>) -> Content {
    let example = example.map(|mut problem| {
        "7f1c9a52-3d1e-4f0b-9c55-2f6f3b0a8d11".clone_into(&mut problem.request_id);
        serde_json::to_value(problem).unwrap_or(Value::Null)
    });
    ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .example(example)
        .build()
}
