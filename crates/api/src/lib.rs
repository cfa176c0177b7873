//! The control plane: REST and server-sent events over Postgres, the simulation of devices, and projections of
//! Kafka topics.

pub mod app;
pub mod clock;
pub mod config;
pub mod connections;
pub mod database;
pub mod demo;
pub mod device_events;
pub mod http;
pub mod kafka;
pub mod log;
pub mod metrics;
pub mod openapi;
pub mod pipeline;
pub mod projection;
pub mod readiness;
pub mod routes;
pub mod serve;
pub mod simulation;
pub mod state;
pub mod store;
pub mod stream;
pub mod unreadable;
