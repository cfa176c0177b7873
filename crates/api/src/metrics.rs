//! What `/metrics` shows, in the text format of Prometheus.

use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use hc_kafka::{ConsumerState, Producer};
use metrics::{counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

use crate::{readiness::KafkaState, state::AppState, stream::Hub};

const DURATION: &str = "http_request_duration_seconds";
/// From what a look at memory takes to the deadline of a request.
const BUCKETS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0,
];
/// Samples are folded into buckets at the latest after so many requests, also when nobody reads them.
const FOLD_EVERY: u64 = 1024;

/// Counts requests, and reads the other parts when it is asked.
pub struct Metrics {
    recorder: PrometheusRecorder,
    producer: Option<Producer>,
    requests: AtomicU64,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// # Errors
    /// When the histogram has no buckets, which it has.
    pub fn new(producer: Option<Producer>) -> anyhow::Result<Self> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &BUCKETS)?
            .build_recorder();
        Ok(Self {
            recorder,
            producer,
            requests: AtomicU64::new(0),
        })
    }

    fn count(&self, method: &'static str, route: String, status: u16, seconds: f64) {
        with_local_recorder(&self.recorder, || {
            let code = status.to_string();
            counter!("http_requests_total", "method" => method, "route" => route.clone(), "status" => code)
                .increment(1);
            histogram!(DURATION, "method" => method, "route" => route).record(seconds);
        });
        if self.requests.fetch_add(1, Ordering::Relaxed) % FOLD_EVERY == FOLD_EVERY - 1 {
            self.recorder.handle().run_upkeep();
        }
    }

    /// Everything, as text.
    pub fn render(&self, state: &AppState) -> String {
        with_local_recorder(&self.recorder, || {
            if let Some(pool) = state.records.pool() {
                let idle = pool.num_idle();
                gauge!("db_pool_connections").set(f64::from(pool.size()));
                gauge!("db_pool_connections_idle").set(number(idle));
                gauge!("db_pool_connections_max")
                    .set(f64::from(pool.options().get_max_connections()));
            }
            stream("telemetry", state.telemetry.hub());
            stream("drift", &state.drift);
            let kafka = *state.readiness.kafka.borrow();
            gauge!("kafka_connected").set(f64::from(u8::from(kafka == KafkaState::Connected)));
            if let Some(producer) = &self.producer {
                let stats = producer.stats();
                gauge!("kafka_producer_records_in_flight").set(number(stats.in_flight()));
                counter!("kafka_producer_records_total", "outcome" => "acknowledged")
                    .absolute(stats.acknowledged);
                counter!("kafka_producer_records_total", "outcome" => "failed")
                    .absolute(stats.failed);
            }
            if let Some(drift) = &state.readiness.drift {
                consumer("drift", &drift.borrow());
            }
        });
        self.recorder.handle().render()
    }
}

fn stream(name: &'static str, hub: &Hub) {
    gauge!("sse_subscribers", "stream" => name).set(number(hub.subscribers()));
    counter!("sse_events_missed_total", "stream" => name).absolute(hub.missed());
}

/// One series for each state, of which one is 1.
fn consumer(name: &'static str, state: &ConsumerState) {
    let states = [
        ("starting", matches!(state, ConsumerState::Starting)),
        (
            "waiting_for_topic",
            matches!(state, ConsumerState::WaitingForTopic),
        ),
        (
            "catching_up",
            matches!(state, ConsumerState::Reading { caught_up: false }),
        ),
        (
            "caught_up",
            matches!(state, ConsumerState::Reading { caught_up: true }),
        ),
        (
            "backing_off",
            matches!(state, ConsumerState::BackingOff { .. }),
        ),
        ("stopped", matches!(state, ConsumerState::Stopped)),
    ];
    for (label, is) in states {
        gauge!("consumer_state", "consumer" => name, "state" => label).set(f64::from(u8::from(is)));
    }
}

/// Exact as long as the number is one that a gauge may reach.
fn number(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}

/// Counts a request under the template of its route, so that identifiers make no series.
pub(crate) async fn observe(
    State(state): State<AppState>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = label(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(no route)", MatchedPath::as_str)
        .to_owned();
    let response = next.run(request).await;
    let seconds = started.elapsed().as_secs_f64();
    state
        .metrics
        .count(method, route, response.status().as_u16(), seconds);
    response
}

/// Clients can invent methods, but not series.
fn label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
