//! The service: parts put together, started, and stopped in order.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::serve::ListenerExt as _;
use tokio::{net::TcpListener, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    app,
    clock::{Clock, Ids},
    config::Cli,
    database,
    demo::Demo,
    kafka::Kafka,
    metrics::Metrics,
    projection,
    readiness::{Readiness, watch_kafka},
    simulation,
    state::{AppState, Records},
    stream::{Hub, TelemetryFeed},
};

/// Frames that each stream keeps for readers that fall behind or come back: at 5 a second, 55 minutes.
const HUB_CAPACITY: usize = 16_384;
/// How long open requests and tasks may take to end after a signal.
const STOP_LIMIT: Duration = Duration::from_secs(8);

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
    let state = assemble(cli, &mut tasks, shutdown.clone()).await?;
    let router = app::router(state, &cli.server.origins());
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening; http://{address}/docs describes the API");

    // Events are small and must not wait for company in the kernel.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    let server =
        axum::serve(listener, router).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    tasks.spawn(async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the server failed");
        }
    });

    shutdown.cancelled().await;
    tracing::info!("stopping");
    let stopped = timeout(STOP_LIMIT, async {
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

/// Makes the parts and starts the tasks behind them.
async fn assemble(
    cli: &Cli,
    tasks: &mut JoinSet<()>,
    shutdown: CancellationToken,
) -> anyhow::Result<AppState> {
    let clock = Clock::System;
    let ids = Arc::new(Ids::random());
    let pool = database::pool(&cli.database)?;
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
    let hub = |ids: &Ids| Arc::new(Hub::new(ids.boot(), HUB_CAPACITY));
    let telemetry = Arc::new(TelemetryFeed::new(
        hub(&ids),
        cli.server.telemetry_cache_maxlen.get(),
    ));
    let drift = hub(&ids);

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

    let producer = kafka.as_ref().map(|kafka| kafka.producer.clone());
    let projection = pool.zip(kafka).map(|(pool, kafka)| {
        projection::start(&kafka, pool, drift.clone(), tasks, shutdown.clone())
    });
    Ok(AppState {
        records,
        clock,
        ids,
        telemetry,
        drift,
        readiness: Readiness {
            drift: projection,
            kafka: kafka_state,
        },
        simulation: handle,
        metrics: Arc::new(Metrics::new(producer)?),
        shutdown,
    })
}
