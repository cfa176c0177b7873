//! What `/metrics` shows, in the text format of Prometheus.

use std::{
    fmt,
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::Method,
    middleware::Next,
    response::Response,
};
use hc_kafka::{Producer, ProducerStats};
use metrics::{counter, gauge, histogram, with_local_recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

use crate::{
    kafka::Kafka,
    projection::{Projection, STATES, word},
    readiness::KafkaState,
    state::AppState,
    stream::{Gate, Kind},
};

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
    producers: Vec<(&'static str, Producer)>,
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
    pub fn new(kafka: Option<&Kafka>) -> anyhow::Result<Self> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), &BUCKETS)?
            .build_recorder();
        Ok(Self {
            recorder,
            producers: kafka.map_or_else(Vec::new, |kafka| {
                vec![
                    ("readings", kafka.producer.clone()),
                    ("prompt", kafka.prompt.clone()),
                ]
            }),
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
        // What is read from other parts is written to a recorder of this call: a series that has gone leaves no last value.
        let now = PrometheusBuilder::new().build_recorder();
        with_local_recorder(&now, || self.read(state));
        self.recorder.handle().render() + &now.handle().render()
    }

    fn read(&self, state: &AppState) {
        if let Some(pool) = state.records.pool() {
            let connections = pool.status();
            gauge!("db_pool_connections").set(number(connections.size));
            gauge!("db_pool_connections_idle").set(number(connections.available));
            gauge!("db_pool_connections_max").set(number(connections.max_size));
        }
        streams(&state.gate);
        let kafka = *state.readiness.kafka.borrow();
        gauge!("kafka_connected").set(f64::from(u8::from(kafka == KafkaState::Connected)));
        for (name, producer) in &self.producers {
            queue(name, &producer.stats());
        }
        if let Some(drift) = &state.readiness.drift {
            consumer(drift);
        }
    }
}

fn streams(gate: &Gate) {
    gauge!("sse_subscribers_max").set(number(gate.limit()));
    for kind in Kind::ALL {
        let (name, counts) = (kind.as_str(), gate.counts(kind));
        gauge!("sse_subscribers", "stream" => name).set(number(counts.open()));
        counter!("sse_subscribers_refused_total", "stream" => name).absolute(counts.refused());
        counter!("sse_events_missed_total", "stream" => name).absolute(counts.missed());
    }
}

/// A producer: what waits in front of its queue, what is in it, and what left it.
fn queue(name: &'static str, stats: &ProducerStats) {
    gauge!("kafka_producer_senders_waiting", "producer" => name).set(number(stats.waiting));
    gauge!("kafka_producer_records_in_flight", "producer" => name).set(number(stats.in_flight()));
    gauge!("kafka_producer_records_in_flight_max", "producer" => name).set(number(stats.capacity));
    let records = |outcome, count| {
        counter!("kafka_producer_records_total", "producer" => name, "outcome" => outcome)
            .absolute(count);
    };
    records("acknowledged", stats.acknowledged);
    records("failed", stats.failed);
    records("refused", stats.refused);
    counter!("kafka_producer_errors_total", "producer" => name).absolute(stats.errors);
}

/// One series for each state, of which one is 1; and how far each partition is read.
fn consumer(projection: &Projection) {
    let name = projection.name;
    let state = word(&projection.state.borrow());
    for label in STATES {
        let is = f64::from(u8::from(label == state));
        gauge!("consumer_state", "consumer" => name, "state" => label).set(is);
    }
    for (partition, progress) in &projection.progress.borrow().partitions {
        let labels = [
            ("consumer", name.to_owned()),
            ("partition", partition.to_string()),
        ];
        gauge!("consumer_position", &labels).set(offset(progress.position));
        if let (Some(end), Some(lag)) = (progress.end, progress.lag()) {
            gauge!("consumer_end_offset", &labels).set(offset(end));
            gauge!("consumer_lag", &labels).set(offset(lag));
        }
    }
}

/// Exact below 2^53.
fn offset(offset: i64) -> f64 {
    offset as f64
}

/// Exact as long as the number is one that a gauge may reach.
fn number(count: impl TryInto<u32>) -> f64 {
    f64::from(count.try_into().unwrap_or(u32::MAX))
}

/// Counts a request under the template of its route, so that identifiers make no series.
pub(crate) async fn observe(
    State(state): State<Arc<AppState>>,
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
