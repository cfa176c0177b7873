//! Needs Postgres, Kafka and the schema registry; `./run_tests.sh` and
//! `hc-platform exec --servers postgres,kafka,registry -- cargo test -p hc-api --test stack` provide them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "the lints spare test functions, but not their helpers"
)]

mod crash;
mod database_outage;
mod device_events;
mod drift;
mod kafka;
mod outage;
mod pipeline;
mod simulation;
#[expect(dead_code, reason = "the tests of the routes use the rest")]
#[path = "../it/support.rs"]
mod support;
