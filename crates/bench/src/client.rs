//! One HTTP/1.1 connection that sends a request at a time.

use std::{fmt, str::FromStr};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const LOST: &str = "the server closed the connection";

/// A request with its whole body.
pub type Outgoing = Request<Full<Bytes>>;

/// Where the server is, such as `http://127.0.0.1:8000`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    authority: String,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: hyper::Uri = text.parse().map_err(|error| format!("{error}"))?;
        match (uri.scheme_str(), uri.authority(), uri.path()) {
            (Some("http"), Some(authority), "/") => Ok(Self {
                authority: match authority.port() {
                    Some(_) => authority.to_string(),
                    None => format!("{authority}:80"),
                },
            }),
            _ => Err("must look like http://127.0.0.1:8000".to_owned()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

impl Target {
    /// A request to a path of this server.
    ///
    /// # Errors
    /// When the path is none.
    pub fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<Outgoing> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.authority);
        let request = match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, "application/json")
                .body(Full::from(body)),
            None => request.body(Full::default()),
        };
        request.with_context(|| format!("making a request to {path}"))
    }
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// The answer itself, if it has this status.
    ///
    /// # Errors
    /// With the status and the beginning of the body.
    pub fn expect(self, status: StatusCode) -> anyhow::Result<Self> {
        if self.status == status {
            return Ok(self);
        }
        bail!(
            "expected {status}, but the server answered {}",
            self.summary()
        )
    }

    /// Status and the beginning of the body.
    pub fn summary(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        let beginning: String = body.chars().take(300).collect();
        format!("{}: {beginning}", self.status)
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// # Errors
    /// When nothing listens there.
    pub async fn open(target: &Target) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(&target.authority)
            .await
            .with_context(|| format!("{target} cannot be reached; is the server running?"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // A broken connection also fails the request that waits for it.
        tokio::spawn(connection);
        Ok(Self { sender })
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send(&mut self, request: Outgoing) -> anyhow::Result<Answer> {
        let (parts, body) = self.start(request).await?.into_parts();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.context(LOST)?.to_bytes(),
        })
    }

    /// Sends a request; its answer goes on for as long as the connection is held.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn stream(&mut self, request: Outgoing) -> anyhow::Result<(StatusCode, Incoming)> {
        let response = self.start(request).await?;
        Ok((response.status(), response.into_body()))
    }

    async fn start(&mut self, request: Outgoing) -> anyhow::Result<Response<Incoming>> {
        self.sender.ready().await.context(LOST)?;
        self.sender.send_request(request).await.context(LOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_an_http_address_without_a_path() {
        let target: Target = "http://localhost:8000".parse().unwrap();
        assert_eq!(target.to_string(), "http://localhost:8000");
        let target: Target = "http://localhost/".parse().unwrap();
        assert_eq!(target.to_string(), "http://localhost:80");
        for wrong in [
            "localhost:8000",
            "https://localhost",
            "http://localhost/api",
            "",
        ] {
            assert!(wrong.parse::<Target>().is_err(), "{wrong}");
        }
    }
}
