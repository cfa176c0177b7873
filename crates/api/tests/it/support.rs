//! The router in process, with a clock that stands still and identifiers that are always the same.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use hc_api::{
    app,
    clock::{Clock, Ids},
    config::PipelineArgs,
    database::{self, Pool},
    demo::Demo,
    device_events::DeviceEvents,
    kafka::Kafka,
    metrics::Metrics,
    pipeline::Pipeline,
    projection,
    readiness::{Readiness, watch_kafka},
    simulation::{Engine, Parts, Settings, SimulationHandle},
    state::{AppState, Records},
    stream::{Gate, Hub, TelemetryFeed, Topic, announce},
};
use hc_domain::Metric;
use hc_simulator::{Bias, Pace, Simulator};
use http_body_util::BodyExt as _;
use serde_json::Value;
use sqlx::{PgPool, postgres::PgConnectOptions};
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// 2026-06-01T00:00:00Z
pub(crate) const NOW: i64 = 1_780_272_000_000;
/// 180 days before.
pub(crate) const STORY_START: i64 = NOW - 180 * 86_400_000;

/// Of every request that is no stream.
const DEADLINE: Duration = Duration::from_secs(15);
/// At a time.
pub(crate) const MAX_SUBSCRIBERS: usize = 8;

pub(crate) struct TestApp {
    pub(crate) router: Router,
    pub(crate) state: Arc<AppState>,
    pub(crate) simulation: SimulationHandle,
    pub(crate) shutdown: CancellationToken,
    tasks: JoinSet<()>,
}

/// The service's connections to the database of a test.
pub(crate) fn service_pool(test: &PgPool, max_connections: usize) -> Pool {
    let options = PgConnectOptions::clone(&test.connect_options());
    Pool::new(options, max_connections, Duration::from_secs(30)).unwrap()
}

/// What the database of a test holds.
pub(crate) fn records(test: &PgPool) -> Records {
    Records::Postgres(service_pool(test, 10))
}

impl TestApp {
    /// Without a row.
    pub(crate) async fn empty(pool: PgPool) -> Self {
        Self::new(records(&pool)).await
    }

    /// With the demonstration's rows.
    pub(crate) async fn seeded(pool: PgPool) -> Self {
        let clock = Clock::fixed(NOW);
        let demo = Demo::new(5, clock.now(), 180).unwrap();
        let mut db = pool.acquire().await.unwrap();
        assert!(database::seed(&mut db, &demo, clock.now()).await.unwrap());
        drop(db);
        Self::empty(pool).await
    }

    /// Without a database.
    pub(crate) async fn demo() -> Self {
        Self::new(Self::demo_records()).await
    }

    pub(crate) fn demo_records() -> Records {
        let demo = Demo::new(5, Clock::fixed(NOW).now(), 180).unwrap();
        Records::Demo(Arc::new(demo))
    }

    pub(crate) async fn new(records: Records) -> Self {
        Self::with_kafka(records, None).await
    }

    pub(crate) async fn with_kafka(records: Records, kafka: Option<Kafka>) -> Self {
        Self::with_pipeline(records, kafka, &PipelineArgs::default(), None).await
    }

    /// With servers that the pipeline's status asks, and the name of the replication slot when it is not the usual one.
    pub(crate) async fn with_pipeline(
        records: Records,
        kafka: Option<Kafka>,
        servers: &PipelineArgs,
        slot: Option<&str>,
    ) -> Self {
        let clock = Clock::fixed(NOW);
        let ids = Arc::new(Ids::seeded(1));
        let hub = Arc::new(Hub::new("b00t".to_owned(), 1_000));
        let telemetry = Arc::new(TelemetryFeed::new(hub.clone(), 200));
        let shutdown = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(hub.clone().run(shutdown.clone()));
        let kafka_state = watch_kafka(kafka.as_ref(), &mut tasks, shutdown.clone());
        let (simulation, engine) = Engine::new(Parts {
            settings: settings(),
            clock: clock.clone(),
            records: records.clone(),
            feed: telemetry.clone(),
            kafka: kafka.clone(),
            kafka_state: kafka_state.clone(),
        })
        .await;
        tasks.spawn(engine.run(shutdown.clone()));
        tasks.spawn(announce(hub.clone(), simulation.clone(), shutdown.clone()));
        let events = Arc::new(DeviceEvents::new(kafka.clone()));
        let metrics = Arc::new(Metrics::new(kafka.as_ref()).unwrap());
        let pool = records.pool().cloned();
        let projection = pool.clone().zip(kafka.clone()).map(|(pool, kafka)| {
            projection::start(&kafka, pool, hub.clone(), &mut tasks, shutdown.clone())
        });
        let mut pipeline = Pipeline::new(servers, pool, kafka, projection.clone()).unwrap();
        if let Some(slot) = slot {
            pipeline = pipeline.with_slot(slot);
        }
        let state = Arc::new(AppState {
            records,
            clock,
            ids,
            telemetry,
            hub,
            gate: Arc::new(Gate::new(MAX_SUBSCRIBERS)),
            readiness: Readiness {
                drift: projection,
                kafka: kafka_state,
            },
            simulation: simulation.clone(),
            events,
            metrics,
            pipeline: Arc::new(pipeline),
        });
        let origins = ["http://localhost:5173".parse().unwrap()];
        Self {
            router: app::router(state.clone(), &origins, DEADLINE),
            state,
            simulation,
            shutdown,
            tasks,
        }
    }

    /// Moves the clock by so many milliseconds.
    pub(crate) fn advance(&self, millis: i64) {
        if let Clock::Fixed(now) = &self.state.clock {
            now.fetch_add(millis, Ordering::Relaxed);
        }
    }

    /// Stops the tasks, as the service does.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, &[], Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, if_match: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, &[("if-match", if_match)], Some(body))
            .await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, &[], Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str, if_match: &str) -> Answer {
        self.send(Method::DELETE, path, &[("if-match", if_match)], None)
            .await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        if [Method::PUT, Method::PATCH].contains(&method) {
            // So that a change can be told from the creation.
            self.advance(1_000);
        }
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.raw(request.body(body).unwrap()).await
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Answer {
        Answer::read(&self.router, request).await
    }

    /// Publishes something about the pressure of a device.
    pub(crate) fn publish(&self, topic: Topic, device: &str, data: &Value) {
        let about = (&device.parse().unwrap(), Metric::Pressure);
        self.state
            .hub
            .publish(topic, topic.as_str(), about, data)
            .unwrap();
    }

    /// Opens an event stream.
    pub(crate) async fn events(&self, path: &str, last_event_id: Option<&str>) -> Events {
        let mut request = Request::builder().uri(path);
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/event-stream"
        );
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        Events {
            body: response.into_body(),
            text: String::new(),
        }
    }
}

/// Fast, and with the bias of the demonstration.
pub(crate) fn settings() -> Settings {
    Settings {
        pace: Pace {
            backfill: Duration::from_secs(180 * 86_400),
            interval: Duration::from_secs(300),
        },
        records_per_second: 3_000.0,
        simulator: Simulator::new(1).with_bias(Bias {
            device_id: "DEV-P003".parse().unwrap(),
            metric: Metric::Pressure,
            offset: 2.4,
        }),
    }
}

/// A response; prints as status, telling headers and body.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn read(router: &Router, request: Request<Body>) -> Self {
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Self {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// The field of every element of an array.
    pub(crate) fn column(&self, field: &str) -> Vec<String> {
        let rows = self.json();
        let rows = rows.as_array().unwrap();
        rows.iter()
            .map(|row| row[field].as_str().unwrap().to_owned())
            .collect()
    }

    /// `pointer: detail` of every field error.
    pub(crate) fn errors(&self) -> Vec<String> {
        assert_eq!(
            self.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{}",
            self.text
        );
        let body = self.json();
        let errors = body["errors"].as_array().unwrap();
        errors
            .iter()
            .map(|error| {
                let text = |field: &str| error[field].as_str().unwrap().to_owned();
                format!("{}: {}", text("pointer"), text("detail"))
            })
            .collect()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.status)?;
        for name in [
            header::ALLOW,
            header::CONTENT_TYPE,
            header::ETAG,
            header::LINK,
            header::LOCATION,
            header::RETRY_AFTER,
        ] {
            if let Some(value) = self.headers.get(&name) {
                writeln!(f, "{name}: {}", value.to_str().unwrap())?;
            }
        }
        if self.text.is_empty() {
            return Ok(());
        }
        write!(f, "{}", serde_json::to_string_pretty(&self.json()).unwrap())
    }
}

/// One server-sent event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

pub(crate) struct Events {
    body: Body,
    text: String,
}

impl Events {
    /// The next event, or `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let frame: String = self.text.drain(..end + 2).collect();
                match parse(&frame) {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let frame = timeout(Duration::from_secs(20), self.body.frame())
                .await
                .expect("an event within 20 s")?;
            let bytes = frame.unwrap().into_data().unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.expect("the stream goes on"));
        }
        events
    }
}

fn parse(frame: &str) -> Option<Event> {
    let field = |name: &str| {
        frame
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .map(str::to_owned)
    };
    Some(Event {
        id: field("id"),
        name: field("event")?,
        data: serde_json::from_str(&field("data")?).unwrap(),
    })
}
