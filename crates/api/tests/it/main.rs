//! Needs at most Postgres, by `DATABASE_URL`; `./run_tests.sh --fast` and
//! `hc-platform exec --servers postgres -- cargo test -p hc-api --test it` provide it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the lints spare test functions, but not their helpers"
)]

mod connections;
mod deadline;
mod defects;
mod device_events;
mod devices;
mod drift;
mod environment;
mod idempotency;
mod lists;
mod log;
mod migrations;
mod modes;
mod openapi;
mod operation;
mod patients;
mod pipeline;
mod pool;
mod prescriptions;
mod problems;
mod seed;
mod shutdown;
mod simulation;
mod socket;
mod streams;
mod support;
mod telemetry;
