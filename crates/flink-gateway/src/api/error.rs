//! Errors as the API's clients expect them: `{"errors": [{"id", "status", "code", "detail"}]}`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use crate::store::StoreError;

/// An error reply. What is internal goes to the log, with the reply's id.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    detail: String,
}

impl ApiError {
    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            detail: detail.into(),
        }
    }

    pub(super) fn unauthorized() -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            detail: "The API key or secret is wrong.".into(),
        }
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            detail: detail.into(),
        }
    }

    pub(super) fn unprocessable(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: detail.into(),
        }
    }

    /// A server behind this one does not answer.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            detail: detail.into(),
        }
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            detail: detail.into(),
        }
    }

    pub(super) fn method_not_allowed() -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            detail: "This path does not know the method.".into(),
        }
    }

    pub(super) fn conflict(detail: impl Into<String>) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            detail: detail.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store cannot be written");
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            detail: "The gateway cannot write its store; its log says why.".into(),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let id = Uuid::new_v4().simple().to_string();
        tracing::debug!(
            id,
            status = self.status.as_u16(),
            detail = self.detail,
            "request refused"
        );
        let status = self.status.as_u16().to_string();
        let body = json!({ "errors": [{ "id": id, "status": status, "code": status, "detail": self.detail }] });
        (self.status, Json(body)).into_response()
    }
}
