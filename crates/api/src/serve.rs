//! The service: parts put together, started, and stopped in order.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    app,
    clock::{Clock, Ids},
    config::Cli,
    connections::{self, Limits},
    database,
    demo::Demo,
    device_events::DeviceEvents,
    http::idempotency,
    kafka::Kafka,
    metrics::Metrics,
    pipeline::Pipeline,
    projection,
    readiness::{Readiness, watch_kafka},
    simulation,
    state::{AppState, Records},
    stream::{self, Gate, Hub, TelemetryFeed},
};

/// Events of each topic that are kept for readers that fall behind or come back: at 1000 a second, half a minute. Readings
/// take 270 bytes each, so 9 MB.
const HUB_CAPACITY: usize = 32_768;
/// Time between two looks for idempotency keys that have expired.
const FORGET_EVERY: Duration = Duration::from_secs(600);

/// Serves until `shutdown` is cancelled.
///
/// # Errors
/// When the configuration is wrong or the port is taken.
pub async fn serve(cli: &Cli, shutdown: CancellationToken) -> anyhow::Result<()> {
    let address = (cli.server.host, cli.server.port);
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "listening on {}:{}; set API_PORT to a free port",
            address.0, address.1
        )
    })?;
    let mut tasks = JoinSet::new();
    raise_open_files();
    let state = assemble(cli, &mut tasks, shutdown.clone()).await?;
    let router = app::router(
        Arc::new(state),
        &cli.server.origins(),
        cli.server.request_timeout,
    );
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening; http://{address}/docs describes the API");

    let limits = Limits {
        connections: cli.server.max_connections.get(),
        idle: cli.server.idle_timeout,
    };
    tasks.spawn(connections::serve(
        listener,
        router,
        limits,
        shutdown.clone(),
    ));

    shutdown.cancelled().await;
    tracing::info!("stopping");
    let stopped = timeout(cli.server.shutdown_timeout, async {
        while tasks.join_next().await.is_some() {}
    })
    .await;
    if stopped.is_err() {
        tracing::warn!(
            open = tasks.len(),
            "stopped without waiting for what was still open"
        );
    }
    Ok(())
}

/// Every connection is an open file, and shells allow a program 1024 unless it asks for more.
fn raise_open_files() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, most)| setrlimit(Resource::RLIMIT_NOFILE, most, most));
    if let Err(error) = raised {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// Makes the parts and starts the tasks behind them.
async fn assemble(
    cli: &Cli,
    tasks: &mut JoinSet<()>,
    shutdown: CancellationToken,
) -> anyhow::Result<AppState> {
    let clock = Clock::System;
    let ids = Arc::new(Ids::random());
    let pool = database::pool(&cli.database, Some(cli.server.request_timeout))?;
    let kafka = Kafka::new(&cli.kafka, &cli.registry)?;
    let simulation = &cli.simulation;
    let records = match pool.clone() {
        Some(pool) => Records::Postgres(pool),
        None => {
            tracing::warn!(
                "DATABASE_URL is not set: showing demonstration data that cannot be changed"
            );
            let (patients, days) = (
                simulation.simulation_num_patients,
                simulation.simulation_backfill_days,
            );
            Records::Demo(Arc::new(Demo::new(patients, clock.now(), days)?))
        }
    };
    if kafka.is_none() {
        tracing::warn!(
            "KAFKA_BOOTSTRAP_SERVERS is not set: simulated readings reach the screen only"
        );
    }
    let hub = Arc::new(Hub::new(ids.boot(), HUB_CAPACITY));
    tasks.spawn(Arc::clone(&hub).run(shutdown.clone()));
    let telemetry = Arc::new(TelemetryFeed::new(
        hub.clone(),
        cli.server.telemetry_cache_maxlen.get(),
    ));

    let kafka_state = watch_kafka(kafka.as_ref(), tasks, shutdown.clone());
    let (handle, engine) = simulation::Engine::new(simulation::Parts {
        settings: simulation::Settings::from(simulation),
        clock: clock.clone(),
        records: records.clone(),
        feed: telemetry.clone(),
        kafka: kafka.clone(),
        kafka_state: kafka_state.clone(),
    })
    .await;
    tasks.spawn(engine.run(shutdown.clone()));
    tasks.spawn(stream::announce(
        hub.clone(),
        handle.clone(),
        shutdown.clone(),
    ));

    let events = Arc::new(DeviceEvents::new(kafka.clone()));
    let metrics = Arc::new(Metrics::new(kafka.as_ref())?);
    if let Some(pool) = pool.clone() {
        let forget = idempotency::forget(pool, clock.clone(), FORGET_EVERY, shutdown.clone());
        tasks.spawn(forget);
    }
    let projection = pool
        .clone()
        .zip(kafka.clone())
        .map(|(pool, kafka)| projection::start(&kafka, pool, hub.clone(), tasks, shutdown));
    let pipeline = Pipeline::new(&cli.pipeline, pool, kafka, projection.clone())?;
    Ok(AppState {
        records,
        clock,
        ids,
        telemetry,
        hub,
        gate: Arc::new(Gate::new(cli.server.max_subscribers.get())),
        readiness: Readiness {
            drift: projection,
            kafka: kafka_state,
        },
        simulation: handle,
        events,
        metrics,
        pipeline: Arc::new(pipeline),
    })
}
