//! The control plane: REST and server-sent events over Postgres, the simulation of devices, and projections of
//! Kafka topics.

pub mod app;
pub mod clock;
pub mod demo;
pub mod http;
pub mod readiness;
pub mod routes;
pub mod simulation;
pub mod state;
pub mod store;
pub mod stream;
