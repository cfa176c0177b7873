//! `Idempotency-Key`: a POST that is sent again has no second effect and gets the first answer.

use std::time::Duration;

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use utoipa::{
    IntoParams,
    openapi::{
        ObjectBuilder, Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::{ApiError, JsonObject};
use crate::{clock::Clock, database::Pool, store::idempotency_keys as store};

/// Name of the header.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
const MAX_LENGTH: usize = 255;

/// Removes what has been kept for long enough, now and then `every` so often, until `shutdown`: answers are about
/// patients, and stay no longer because nobody sends another request.
pub async fn forget(pool: Pool, clock: Clock, every: Duration, shutdown: CancellationToken) {
    let work = async {
        loop {
            match remove_expired(&pool, clock.now() - KEPT).await {
                Ok(0) => {}
                Ok(keys) => tracing::info!(keys, "expired idempotency keys removed"),
                Err(error) => tracing::warn!(%error, "expired idempotency keys stay for now"),
            }
            sleep(every).await;
        }
    };
    shutdown.run_until_cancelled(work).await;
}

async fn remove_expired(pool: &Pool, expired: DateTime<Utc>) -> sqlx::Result<u64> {
    let mut db = pool.acquire().await?;
    let removed = store::remove_expired(&mut db, expired).await?;
    db.release();
    Ok(removed)
}

/// The key of a request, if it has one.
#[derive(Debug)]
pub struct IdempotencyKey(Option<String>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else {
            return Ok(Self(None));
        };
        let key = value.to_str().unwrap_or_default();
        let readable =
            (1..=MAX_LENGTH).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if !readable || values.next().is_some() {
            let detail =
                format!("must be given once and have 1 to {MAX_LENGTH} visible ASCII characters");
            return Err(ApiError::parameter("Idempotency-Key", detail));
        }
        Ok(Self(Some(key.to_owned())))
    }
}

impl IntoParams for IdempotencyKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let key = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX_LENGTH))
            .pattern(Some("^[!-~]+$"));
        let key = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(
                "Chosen by the client; a repetition with the same key and body within 24 hours gets the same answer \
                 and creates nothing. With another body: 422. While the first is under way it waits",
            ))
            .schema(Some(key))
            .example(Some("5f0c7e0e-8d0c-4a52-9b38-7a6e3f6f0a01".into()))
            .build();
        vec![key]
    }
}

impl IdempotencyKey {
    /// Ties the key to what it is sent with. The spelling of the body's keys makes no difference.
    pub fn of(self, route: &str, body: &JsonObject) -> Once {
        Once(self.0.map(|key| {
            let mut hash = Sha256::new();
            hash.update(route);
            hash.update([0]);
            hash.update(body.canonical());
            (key, hash.finalize().to_vec())
        }))
    }
}

/// A request that may have been answered before.
#[derive(Debug)]
pub struct Once(Option<(String, Vec<u8>)>);

impl Once {
    /// The answer if there was one; otherwise the key belongs to this transaction until it ends. A repetition that
    /// comes while the first request is under way waits for it.
    ///
    /// # Errors
    /// 422 when the key was used for another request.
    pub async fn before(
        &self,
        tx: &mut PgConnection,
        now: DateTime<Utc>,
    ) -> Result<Option<Created>, ApiError> {
        let Some((key, fingerprint)) = &self.0 else {
            return Ok(None);
        };
        let Some(kept) = store::take(tx, key, fingerprint, now, now - KEPT).await? else {
            return Ok(None);
        };
        if kept.fingerprint != *fingerprint {
            return Err(ApiError::KeyReused);
        }
        match (kept.location, kept.etag, kept.body) {
            (Some(location), Some(etag), Some(body)) => Ok(Some(Created {
                location,
                etag,
                body,
            })),
            _ => Err(ApiError::Internal(anyhow::anyhow!(
                "an idempotency key was committed without its answer"
            ))),
        }
    }

    /// Keeps the answer in the transaction of the effect.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn keep(&self, tx: &mut PgConnection, answer: &Created) -> Result<(), ApiError> {
        if let Some((key, _)) = &self.0 {
            store::keep(tx, key, &answer.location, &answer.etag, &answer.body).await?;
        }
        Ok(())
    }
}

/// 201 with the path, the entity tag and the representation of a new resource.
#[derive(Debug)]
pub struct Created {
    location: String,
    etag: String,
    body: String,
}

impl Created {
    /// # Errors
    /// When the body has no form as JSON, which the types of this service rule out.
    pub fn new(location: String, version: i64, body: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_string(body)
            .map_err(|error| ApiError::Internal(anyhow::Error::new(error)))?;
        Ok(Self {
            location,
            etag: format!("\"{version}\""),
            body,
        })
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        // Identifiers and versions are made of characters that a header may have.
        for (name, value) in [(header::LOCATION, self.location), (header::ETAG, self.etag)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        response
    }
}
