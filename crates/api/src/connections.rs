//! Connections: at most so many, and none that only sits there.

use std::{io, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::http::OverLimit;

/// Connections over the limit that are answered at the same time; when these are taken too, clients wait to be accepted.
const REFUSED_AT_ONCE: usize = 32;
/// A connection over the limit is there for one request, which must come soon.
const REFUSED_IDLE: Duration = Duration::from_secs(2);
/// Largest header of a request, in bytes.
const MAX_HEADER: usize = 64 * 1024;

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most open connections.
    pub connections: usize,
    /// Longest time without a request, for its header to arrive, or for the client to take what was sent.
    pub idle: Duration,
}

/// Serves until `shutdown` is cancelled; then accepts nothing more and returns when the last answer is out. Dropping the
/// future cuts the connections.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let places = Places {
        regular: Arc::new(Semaphore::new(limits.connections)),
        refusals: Arc::new(Semaphore::new(REFUSED_AT_ONCE)),
    };
    // Now, instead of at each request.
    let router = router.with_state(());
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut full = false;
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            Some(_) = connections.join_next() => {}
            (stream, place) = accept(&listener, &places) => {
                let over = matches!(place, Place::Refusal(_));
                if over && !full {
                    tracing::warn!(limit = limits.connections, "too many connections; further ones are refused");
                }
                full = over;
                let (router, watcher) = (router.clone(), graceful.watcher());
                connections.spawn(connection(stream, place, router, limits.idle, watcher));
            }
        }
    }
    drop(listener);
    graceful.shutdown().await;
}

fn set_options(stream: &TcpStream, idle: Duration) -> io::Result<()> {
    // Events are small and must not wait for company in the kernel.
    stream.set_nodelay(true)?;
    // Whoever reads nothing, or is gone without a word, loses the connection too. Streams say something every 15 s.
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(idle))?;
    Ok(())
}

/// Room for connections.
struct Places {
    regular: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
}

/// Free again when it is dropped.
enum Place {
    Regular(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit),
    Refusal(#[expect(dead_code, reason = "held")] OwnedSemaphorePermit),
}

impl Places {
    fn regular(&self) -> Option<Place> {
        let permit = self.regular.clone().try_acquire_owned();
        permit.ok().map(Place::Regular)
    }

    /// Waits while both kinds are taken.
    async fn any(&self) -> Option<Place> {
        tokio::select! {
            biased;
            place = self.regular.clone().acquire_owned() => place.ok().map(Place::Regular),
            place = self.refusals.clone().acquire_owned() => place.ok().map(Place::Refusal),
        }
    }
}

/// The next connection. Nothing is lost when the future is dropped: a place is taken before there is a connection.
async fn accept(listener: &TcpListener, places: &Places) -> (TcpStream, Place) {
    loop {
        let Some(place) = places.any().await else {
            continue;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                // While this one was awaited, another may have gone.
                let place = match place {
                    Place::Refusal(_) => places.regular().unwrap_or(place),
                    regular @ Place::Regular(_) => regular,
                };
                return (stream, place);
            }
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                tracing::error!(%error, "accepting a connection");
                // Out of files, most likely: it stays like that for a moment.
                sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

async fn connection(
    stream: TcpStream,
    place: Place,
    router: Router,
    idle: Duration,
    watcher: Watcher,
) {
    if let Err(error) = set_options(&stream, idle) {
        tracing::debug!(%error, "the options of a connection");
    }
    let over = matches!(place, Place::Refusal(_));
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        if over {
            request.extensions_mut().insert(OverLimit);
        }
        // A router is always ready.
        router.clone().call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        // Runs from the end of the last answer to the end of the next header.
        .header_read_timeout(if over { idle.min(REFUSED_IDLE) } else { idle })
        .max_buf_size(MAX_HEADER)
        .keep_alive(!over)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(serving).await {
        tracing::debug!(%error, "a connection ended");
    }
    drop(place);
}
