//! The gateway under Confluent Cloud's names: an HTTPS proxy that answers for a few hosts itself, and for no other.
//!
//! A tool made for Confluent Cloud asks `https://api.confluent.cloud` and its kin, some of them without a way to set
//! another address. With `HTTPS_PROXY` pointing here it asks the gateway's own port instead, which accepts a CONNECT to
//! these hosts, ends the TLS with a certificate of a throw-away authority, and serves the same API as on the plain port.
//! Nothing is ever forwarded. Only a gateway that listens on the loopback interface does this.

mod authority;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio_rustls::TlsAcceptor;
use tower_http::set_header::SetRequestHeaderLayer;

/// Tells the handlers which scheme the client used.
const SCHEME: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What a CONNECT is answered with.
#[derive(Clone)]
struct Proxy {
    hosts: Arc<Hosts>,
    acceptor: TlsAcceptor,
    api: Router,
}

/// The names that the gateway answers for.
#[derive(Debug)]
struct Hosts {
    exact: [&'static str; 2],
    /// `us-west-2.aws.confluent.cloud`: Kafka, Flink and the registry are below it.
    domain: String,
}

impl Hosts {
    fn of(region: &str, provider: &str) -> Self {
        Self {
            exact: ["api.confluent.cloud", "api.telemetry.confluent.cloud"],
            domain: format!("{region}.{provider}.confluent.cloud").to_lowercase(),
        }
    }

    /// For the certificate.
    fn names(&self) -> Vec<String> {
        let exact = self.exact.iter().map(|name| (*name).to_owned());
        exact.chain([format!("*.{}", self.domain)]).collect()
    }

    /// True for a target that is answered here: one of ours, on the port of HTTPS.
    fn serve(&self, target: &Uri) -> bool {
        let (Some(host), Some(443)) = (target.host(), target.port_u16()) else {
            return false;
        };
        let host = host.to_lowercase();
        let below = host
            .strip_suffix(&self.domain)
            .and_then(|rest| rest.strip_suffix('.'));
        // A wildcard of a certificate stands for one label.
        self.exact.contains(&host.as_str())
            || below.is_some_and(|label| !label.is_empty() && !label.contains('.'))
    }
}

/// The API with a proxy in front of it. The authority's certificate, for the clients, is `folder`/ca.pem.
///
/// # Errors
/// The folder cannot be used, or the certificate cannot be made.
pub fn over(api: Router, folder: &Path, region: &str, provider: &str) -> anyhow::Result<Router> {
    let hosts = Hosts::of(region, provider);
    let config = authority::server_config(folder, hosts.names())
        .with_context(|| format!("the proxy's certificate in {}", folder.display()))?;
    let https = SetRequestHeaderLayer::overriding(SCHEME, HeaderValue::from_static("https"));
    let proxy = Proxy {
        hosts: Arc::new(hosts),
        acceptor: TlsAcceptor::from(Arc::new(config)),
        api: api.clone().layer(https),
    };
    Ok(api.layer(middleware::from_fn_with_state(proxy, connect)))
}

async fn connect(State(proxy): State<Proxy>, request: Request, next: Next) -> Response {
    if request.method() != Method::CONNECT {
        return next.run(request).await;
    }
    if !proxy.hosts.serve(request.uri()) {
        tracing::warn!(target = %request.uri(), "refused: this proxy leads nowhere but to the gateway");
        return (
            StatusCode::FORBIDDEN,
            "This proxy answers for Confluent Cloud's hosts only, and forwards nothing.\n",
        )
            .into_response();
    }
    tokio::spawn(async move {
        if let Err(error) = proxy.serve(request).await {
            tracing::debug!(%error, "a connection through the proxy ended");
        }
    });
    StatusCode::OK.into_response()
}

impl Proxy {
    /// Serves the API on the connection that begins after the answer to the CONNECT.
    async fn serve(self, request: Request) -> anyhow::Result<()> {
        let plain = hyper::upgrade::on(request).await?;
        let tls = self.acceptor.accept(TokioIo::new(plain)).await?;
        hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(tls), TowerToHyperService::new(self.api))
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_gateways_own_names_are_served() {
        let hosts = Hosts::of("us-west-2", "aws");
        for ours in [
            "api.confluent.cloud:443",
            "api.telemetry.confluent.cloud:443",
            "flink.us-west-2.aws.confluent.cloud:443",
            "pkc-local.US-WEST-2.aws.confluent.cloud:443",
        ] {
            assert!(hosts.serve(&ours.parse().unwrap()), "{ours}");
        }
        for foreign in [
            "api.confluent.cloud:80",
            "example.com:443",
            "us-west-2.aws.confluent.cloud:443",
            "a.b.us-west-2.aws.confluent.cloud:443",
            "xus-west-2.aws.confluent.cloud:443",
            "flink.eu-west-1.aws.confluent.cloud:443",
            "127.0.0.1:443",
        ] {
            assert!(!hosts.serve(&foreign.parse().unwrap()), "{foreign}");
        }
    }
}
