//! What a subscriber reads, as an HTTP response.

use std::{collections::VecDeque, time::Duration};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use futures::stream;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::{Next, Subscriber, Ticket, Topic};

/// A stream without events says that it lives, so that proxies and clients do not give it up.
const PING_AFTER: Duration = Duration::from_secs(15);
/// The client waits so long before it connects again.
const HELLO: &[u8] = b"retry: 1000\n\n";
const PING: &[u8] = b"event: ping\ndata: {}\n\n";

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

/// Data of the event `missed`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Missed {
    /// Of which topic
    #[schema(examples("telemetry"))]
    topic: &'static str,
    /// How many events this reader was too slow for; with a filter, only those that it would have had
    #[schema(examples(40))]
    count: u64,
}

/// Data of the event `reset`: events of this topic may be missing, and those that follow begin now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reset {
    #[schema(examples("telemetry"))]
    topic: &'static str,
}

/// Streams until the client goes away or the service stops.
pub fn response(subscriber: Subscriber, ticket: Ticket) -> Response {
    let reader = Reader::new(subscriber, ticket, PING_AFTER);
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
    ticket: Ticket,
    ping_after: Duration,
    /// Read already, and not yet given to the client.
    ready: VecDeque<Bytes>,
}

impl Reader {
    fn new(subscriber: Subscriber, ticket: Ticket, ping_after: Duration) -> Self {
        Self {
            subscriber,
            ticket,
            ping_after,
            ready: VecDeque::from([Bytes::from_static(HELLO)]),
        }
    }

    /// The next bytes for the client, or `None` when the service stops.
    async fn chunk(&mut self) -> Option<Bytes> {
        if let Some(chunk) = self.ready.pop_front() {
            return Some(chunk);
        }
        let Ok(next) = timeout(self.ping_after, self.subscriber.next()).await else {
            return Some(Bytes::from_static(PING));
        };
        Some(match next? {
            Next::Reset(topic) => reset(topic),
            Next::Missed(topic, count) => {
                self.ticket.missed(count);
                missed(topic, count)
            }
            Next::Frames(frames) => {
                self.ready = frames.into();
                self.ready.pop_front()?
            }
        })
    }
}

fn reset(topic: Topic) -> Bytes {
    let topic = topic.as_str();
    notice("reset", &Reset { topic })
}

fn missed(topic: Topic, count: u64) -> Bytes {
    let topic = topic.as_str();
    notice("missed", &Missed { topic, count })
}

/// An event without an id: it is about this reader, and the last id stays where it was.
fn notice(event: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    format!("event: {event}\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::stream::{Filter, Gate, Hub, Kind};

    #[tokio::test]
    async fn a_stream_greets_gives_what_is_there_pings_and_ends() {
        let hub = Arc::new(Hub::new("b".to_owned(), 8));
        let ticket = Arc::new(Gate::new(1)).enter(Kind::Events).unwrap();
        let subscriber = hub.subscribe(&Topic::ALL, Filter::default(), None);
        let mut reader = Reader::new(subscriber, ticket, Duration::from_millis(1));
        assert_eq!(reader.chunk().await.unwrap(), HELLO);
        for data in 1..=2 {
            hub.publish_to_all(Topic::Drift, "drift", &data).unwrap();
        }
        hub.flush();
        assert_eq!(
            reader.chunk().await.unwrap(),
            "id: b-0\nevent: drift\ndata: 1\n\nid: b-1\nevent: drift\ndata: 2\n\n"
        );
        assert_eq!(reader.chunk().await.unwrap(), PING);
        assert_eq!(reader.chunk().await.unwrap(), PING);
        hub.publish_to_all(Topic::Drift, "drift", &3).unwrap();
        let shutdown = tokio_util::sync::CancellationToken::new();
        shutdown.cancel();
        Arc::clone(&hub).run(shutdown).await;
        assert_eq!(
            reader.chunk().await.unwrap(),
            "id: b-2\nevent: drift\ndata: 3\n\n",
            "what was published before the end is shown"
        );
        assert_eq!(reader.chunk().await, None);
    }
}
