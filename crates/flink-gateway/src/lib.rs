//! Confluent's statements API over open-source Flink, and the tool that deploys a pipelines folder through it.
//!
//! [`api`] answers requests, [`engine`] runs statements, [`reconcile`] keeps every statement's job alive, [`store`]
//! remembers; [`client`], [`deploy`] and [`prepare`] are on the other side of the wire and use nothing but the API.

pub mod api;
pub mod checkpoints;
pub mod client;
pub mod deploy;
pub mod engine;
pub mod flink;
pub mod lake;
pub mod locks;
pub mod model;
pub mod name;
pub mod phase;
pub mod prepare;
pub mod proxy;
pub mod reconcile;
mod replace;
pub mod results;
pub mod serve;
pub mod session;
pub mod store;
pub mod tuning;
pub mod warm_up;
