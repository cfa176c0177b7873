//! Every error of the service, and its form on the wire: RFC 9457 problem details.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hc_domain::{FieldError, Invalid};
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

/// Why a request was not served.
#[derive(Debug, Error)]
pub enum ApiError {
    /// 400
    #[error("{0}")]
    BadRequest(String),
    /// 400, for one parameter of the query or one header
    #[error("Parameter {name}: {detail}.")]
    Parameter { name: String, detail: String },
    /// 404
    #[error("There is no {kind} {id}.")]
    NotFound { kind: &'static str, id: String },
    /// 409
    #[error("{0}")]
    Conflict(String),
    /// 409, with the way out
    #[error(
        "The device already has a prescription for {metrics} in this period: {}. To change the therapy, \
         send the request again with \"supersedes\" set to that prescription.",
        .conflicts_with.join(", ")
    )]
    Overlap {
        metrics: String,
        conflicts_with: Vec<String>,
    },
    /// 409, with what is in the way
    #[error("{kind} {id} is still referred to by {}; remove that first.", counted(.by))]
    Referenced {
        kind: &'static str,
        id: String,
        by: Vec<Reference>,
    },
    /// 412
    #[error(
        "The resource has changed; its version is now {current}. Get it again and repeat the change."
    )]
    PreconditionFailed { current: i64 },
    /// 413
    #[error("The request body is larger than {limit} bytes.")]
    TooLarge { limit: usize },
    /// 415
    #[error("The request body must be {expected}.")]
    UnsupportedMediaType { expected: &'static str },
    /// 422
    #[error("The request body is not valid.")]
    Invalid(#[from] Invalid),
    /// 422, for something other than the body
    #[error("{0}")]
    Unprocessable(String),
    /// 422, for a key that came with another request before
    #[error(
        "This Idempotency-Key was used for another request; send a new key with a new request."
    )]
    KeyReused,
    /// 428
    #[error(
        "This change needs an If-Match header with the ETag of the version that it is meant for."
    )]
    PreconditionRequired,
    /// 503
    #[error("{detail}")]
    Unavailable {
        detail: String,
        retry_after: Duration,
        /// For the log only.
        cause: Option<String>,
    },
    /// 500; the text is for the log only
    #[error(
        "The service failed to handle the request. The log has the cause under this request id."
    )]
    Internal(#[source] anyhow::Error),
}

impl ApiError {
    /// 503 because a part that the service needs does not answer now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::Unavailable {
            detail: detail.into(),
            retry_after: Duration::from_secs(2),
            cause: None,
        }
    }

    /// 422 with one error at one place.
    pub fn invalid(pointer: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Invalid(Invalid::at(pointer, detail))
    }

    /// 400 for a parameter of the query or a header that breaks a rule, such as "must not be empty".
    pub fn parameter(name: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::Parameter {
            name: name.into(),
            detail: detail.to_string(),
        }
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) | Self::Parameter { .. } => StatusCode::BAD_REQUEST,
            Self::NotFound { .. } => StatusCode::NOT_FOUND,
            Self::Conflict(_) | Self::Overlap { .. } | Self::Referenced { .. } => {
                StatusCode::CONFLICT
            }
            Self::PreconditionFailed { .. } => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::Unprocessable(_) | Self::KeyReused => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// RFC 9457 problem details.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `about:blank`, or the name of a problem that a client can react to
    #[serde(rename = "type")]
    #[schema(examples("about:blank", "urn:problem:overlapping-prescription"))]
    pub kind: &'static str,
    /// The status in words
    pub title: String,
    /// The HTTP status
    pub status: u16,
    /// What went wrong and what to do
    pub detail: String,
    /// Finds the request in the log
    pub request_id: String,
    /// What is wrong: fields of the request body (422), or a parameter (400)
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldProblem>,
    /// For an overlapping prescription: the prescriptions that a new one may supersede
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub conflicts_with: Vec<String>,
    /// For something that cannot be deleted: what still refers to it
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub referenced_by: Vec<Reference>,
}

/// A resource that refers to another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reference {
    /// `device` or `prescription`
    pub kind: &'static str,
    /// Its identifier
    #[schema(examples("DEV-P001"))]
    pub id: String,
}

impl Reference {
    /// All of one kind.
    pub fn all(kind: &'static str, ids: Vec<String>) -> impl Iterator<Item = Self> {
        ids.into_iter().map(move |id| Self { kind, id })
    }
}

/// "1 device and 2 prescriptions"
fn counted(references: &[Reference]) -> String {
    let count = |kind: &str| references.iter().filter(|one| one.kind == kind).count();
    ["device", "prescription"]
        .into_iter()
        .filter_map(|kind| match count(kind) {
            0 => None,
            1 => Some(format!("1 {kind}")),
            more => Some(format!("{more} {kind}s")),
        })
        .collect::<Vec<_>>()
        .join(" and ")
}

/// What is wrong with one field of the request body, or with one parameter: it has either `pointer` or `parameter`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901) into the body
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, examples("/parameters/0/parameterTolerance"))]
    pub pointer: Option<String>,
    /// The name of a parameter of the query, or of a header
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, examples("limit"))]
    pub parameter: Option<String>,
    /// What must hold
    #[schema(examples("must not be negative"))]
    pub detail: String,
}

impl From<&FieldError> for FieldProblem {
    fn from(error: &FieldError) -> Self {
        Self {
            pointer: Some(error.pointer.clone()),
            parameter: None,
            detail: error.detail.clone(),
        }
    }
}

impl Problem {
    /// A problem that only its status explains. The request id is filled in on the way out.
    pub fn new(status: StatusCode, detail: String) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            detail,
            request_id: String::new(),
            errors: Vec::new(),
            conflicts_with: Vec::new(),
            referenced_by: Vec::new(),
        }
    }
}

/// The text behind a problem that the client does not see; carried to the access log in the response's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

impl ApiError {
    /// What the client is told; the request id is filled in on the way out.
    pub fn problem(&self) -> Problem {
        let mut problem = Problem::new(self.status(), self.to_string());
        match self {
            Self::Parameter { name, detail } => {
                problem.errors = vec![FieldProblem {
                    pointer: None,
                    parameter: Some(name.clone()),
                    detail: detail.clone(),
                }];
            }
            Self::Invalid(invalid) => {
                problem.errors = invalid.errors().iter().map(FieldProblem::from).collect();
            }
            Self::Overlap { conflicts_with, .. } => {
                problem.kind = "urn:problem:overlapping-prescription";
                problem.conflicts_with.clone_from(conflicts_with);
            }
            Self::KeyReused => problem.kind = "urn:problem:idempotency-key-reused",
            Self::Referenced { by, .. } => {
                problem.kind = "urn:problem:still-referenced";
                problem.referenced_by.clone_from(by);
            }
            _ => {}
        }
        problem
    }
}

impl IntoResponse for ApiError {
    /// The body is written by [`observe`](super::observe), which knows the request id.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self.problem());
        match self {
            Self::Unavailable {
                retry_after, cause, ..
            } => {
                let seconds = HeaderValue::from(retry_after.as_secs().max(1));
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
                if let Some(cause) = cause {
                    response.extensions_mut().insert(Cause(cause));
                }
            }
            Self::Internal(cause) => {
                response
                    .extensions_mut()
                    .insert(Cause(format!("{cause:#}")));
            }
            _ => {}
        }
        response
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if is_transient(&error) {
            return Self::Unavailable {
                detail: "The database does not answer; try again.".to_owned(),
                retry_after: Duration::from_secs(2),
                cause: Some(error.to_string()),
            };
        }
        // The one thing that UTF-8 allows and Postgres does not, in a path or a query parameter.
        if error.as_database_error().and_then(|e| e.code()).as_deref() == Some("22021") {
            return Self::BadRequest("Text must not contain the character NUL.".to_owned());
        }
        Self::Internal(anyhow::Error::new(error).context("database"))
    }
}

/// Whether the same statement may succeed a moment later.
fn is_transient(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        // What sqlx makes of a server that goes away in the middle of its answer.
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            // Connection failures, shutting down or starting up, too many connections, serialization, deadlock,
            // statement_timeout.
            code.starts_with("08")
                || code.starts_with("57P0")
                || matches!(code.as_ref(), "53300" | "40001" | "40P01" | "57014")
        }),
        _ => false,
    }
}

/// Turns the violation of a named constraint into a client error.
pub trait OnConstraint {
    /// Maps a violation of the constraint of this name; leaves everything else alone.
    #[must_use]
    fn on_constraint(self, name: &str, error: impl FnOnce() -> ApiError) -> Self;
}

impl<T> OnConstraint for Result<T, ApiError> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> ApiError) -> Self {
        self.map_err(|cause| match &cause {
            ApiError::Internal(inner) if violated_constraint(inner) == Some(name) => error(),
            _ => cause,
        })
    }
}

fn violated_constraint(cause: &anyhow::Error) -> Option<&str> {
    cause
        .downcast_ref::<sqlx::Error>()?
        .as_database_error()?
        .constraint()
}
