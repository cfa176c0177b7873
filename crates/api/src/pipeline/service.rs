//! A server's REST interface, as far as a look at it needs one.

use std::{error::Error, time::Duration};

use anyhow::{Context as _, bail};
use reqwest::{Client, StatusCode, Url};
use serde::de::DeserializeOwned;

use super::LIMIT;

/// An address with its own client.
#[derive(Clone)]
pub(super) struct Service {
    base: Url,
    http: Client,
    /// User name and password.
    key: Option<(String, String)>,
}

/// Why there is no answer, in words that hold neither an address nor anything that the server said.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("does not answer ({0})")]
    Unreachable(String),
    #[error("answers {0}")]
    Refused(StatusCode),
    #[error("answers what is not understood ({0})")]
    NotUnderstood(String),
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    /// The service at the address that the setting holds; `None` when it is empty.
    ///
    /// # Errors
    /// When it is no address.
    pub(super) fn new(setting: &str, url: &str) -> anyhow::Result<Option<Self>> {
        if url.is_empty() {
            return Ok(None);
        }
        let base = Url::parse(url).with_context(|| format!("{setting} is not a URL"))?;
        if !matches!(base.scheme(), "http" | "https") {
            bail!("{setting} must begin with http:// or https://");
        }
        let mut http = Client::builder().timeout(LIMIT);
        if base.host_str().is_some_and(is_this_machine) {
            // The environment may name a proxy for the world outside.
            http = http.no_proxy();
        }
        Ok(Some(Self {
            base,
            http: http.build().context("making an HTTP client")?,
            key: None,
        }))
    }

    /// Sends these as user name and password; without a key nothing is sent.
    pub(super) fn with_key(self, key: &str, secret: &str) -> Self {
        let key = (!key.is_empty()).then(|| (key.to_owned(), secret.to_owned()));
        Self { key, ..self }
    }

    /// What is at the path, or `None` when there is nothing (404).
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, Failure> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let mut request = self.http.get(url).query(query);
        if let Some((key, secret)) = &self.key {
            request = request.basic_auth(key, Some(secret));
        }
        let unreachable = |error: reqwest::Error| Failure::Unreachable(deepest(&error));
        let response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if !status.is_success() => Err(Failure::Refused(status)),
            _ => {
                let body = response.bytes().await.map_err(unreachable)?;
                serde_json::from_slice(&body).map(Some).map_err(|error| {
                    Failure::NotUnderstood(format!("at byte {} of the answer", error.column()))
                })
            }
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

/// The innermost cause, such as "Connection refused"; the outer ones name the address.
fn deepest(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} s", Duration::as_secs_f64(&LIMIT));
    }
    let mut cause: &dyn Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
