//! A hub's frames as an HTTP response.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures::stream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

use super::hub::{Next, Subscriber};
use crate::routes::telemetry::Missed;

/// A stream without events says that it lives, so that proxies and clients do not give it up.
const PING_AFTER: Duration = Duration::from_secs(15);
/// Writes are at least this far apart, so that a flood of events costs few writes. The first event is not delayed.
const COALESCE: Duration = Duration::from_millis(25);
/// The client waits so long before it connects again.
const HELLO: &[u8] = b"retry: 1000\n\n";
const PING: &[u8] = b"event: ping\ndata: {}\n\n";
const RESET: &[u8] = b"event: reset\ndata: {}\n\n";

/// Where the client stopped, for the description of a stream.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "[`last_event_id`] reads the header")]
pub struct LastEventId {
    /// Continue after this event id, as a browser does by itself when it connects again
    #[param(rename = "Last-Event-ID", example = "b00t-41")]
    last_event_id: Option<String>,
}

/// Where the client stopped reading, by the header that a browser sends.
pub fn last_event_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("last-event-id")?.to_str().ok()?;
    Some(id.to_owned())
}

/// Streams until the client goes away or the service stops.
pub fn response(subscriber: Subscriber, shutdown: CancellationToken) -> Response {
    let reader = Reader::new(subscriber, shutdown, PING_AFTER);
    let chunks = stream::unfold(reader, |mut reader| async move {
        let chunk = reader.chunk().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), reader))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx would collect events in a buffer.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct Reader {
    subscriber: Subscriber,
    shutdown: CancellationToken,
    ping_after: Duration,
    not_before: Instant,
    greeted: bool,
}

impl Reader {
    fn new(subscriber: Subscriber, shutdown: CancellationToken, ping_after: Duration) -> Self {
        Self {
            subscriber,
            shutdown,
            ping_after,
            not_before: Instant::now(),
            greeted: false,
        }
    }

    /// The next bytes for the client, or `None` when the service stops.
    async fn chunk(&mut self) -> Option<Bytes> {
        if !std::mem::replace(&mut self.greeted, true) {
            return Some(Bytes::from_static(HELLO));
        }
        let next = async {
            sleep_until(self.not_before).await;
            timeout(self.ping_after, self.subscriber.next()).await
        };
        let next = tokio::select! {
            () = self.shutdown.cancelled() => return None,
            next = next => next,
        };
        self.not_before = Instant::now() + COALESCE;
        Some(match next {
            Err(_) => Bytes::from_static(PING),
            Ok(Next::Reset) => Bytes::from_static(RESET),
            Ok(Next::Missed(count)) => missed(count),
            Ok(Next::Frames(frames)) => join(frames),
        })
    }
}

fn missed(count: u64) -> Bytes {
    let data = serde_json::to_string(&Missed { count }).unwrap_or_default();
    format!("event: missed\ndata: {data}\n\n").into()
}

/// One chunk of several frames; a single frame is not copied.
fn join(mut frames: Vec<Bytes>) -> Bytes {
    if frames.len() == 1 {
        return frames.swap_remove(0);
    }
    let mut chunk = BytesMut::with_capacity(frames.iter().map(Bytes::len).sum());
    for frame in &frames {
        chunk.extend_from_slice(frame);
    }
    chunk.freeze()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::stream::Hub;

    #[tokio::test]
    async fn a_stream_greets_joins_what_is_there_pings_and_ends() {
        let hub = Arc::new(Hub::new("b".to_owned(), 8));
        let shutdown = CancellationToken::new();
        let mut reader = Reader::new(
            hub.subscribe(None, None),
            shutdown.clone(),
            Duration::from_millis(1),
        );
        assert_eq!(reader.chunk().await.unwrap(), HELLO);
        for data in 1..=2 {
            hub.publish("drift", &"A".parse().unwrap(), &data).unwrap();
        }
        assert_eq!(
            reader.chunk().await.unwrap(),
            "id: b-0\nevent: drift\ndata: 1\n\nid: b-1\nevent: drift\ndata: 2\n\n"
        );
        assert_eq!(reader.chunk().await.unwrap(), PING);
        hub.publish("drift", &"A".parse().unwrap(), &3).unwrap();
        assert_eq!(
            reader.chunk().await.unwrap(),
            "id: b-2\nevent: drift\ndata: 3\n\n"
        );
        shutdown.cancel();
        assert_eq!(reader.chunk().await, None);
    }

    #[tokio::test]
    async fn writes_are_apart_but_the_first_is_not_late() {
        let hub = Arc::new(Hub::new("b".to_owned(), 8));
        let mut reader = Reader::new(
            hub.subscribe(None, None),
            CancellationToken::new(),
            PING_AFTER,
        );
        reader.chunk().await.unwrap();
        let started = Instant::now();
        hub.publish("drift", &"A".parse().unwrap(), &1).unwrap();
        reader.chunk().await.unwrap();
        let first = Instant::now();
        assert!(first - started < COALESCE, "{:?}", first - started);
        for data in 2..=3 {
            hub.publish("drift", &"A".parse().unwrap(), &data).unwrap();
        }
        let second = reader.chunk().await.unwrap();
        assert!(first.elapsed() >= COALESCE);
        assert_eq!(
            second.iter().filter(|byte| **byte == b'\n').count(),
            8,
            "two frames in one write"
        );
    }
}
