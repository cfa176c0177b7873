//! Resolves, starts, watches and stops the local stack: Postgres, Kafka, the schema registry, Kafka Connect and Flink,
//! each a native child process. The binary `hc-platform` is the front door; [`Stack`] gives tests a stack of their own.

pub mod account;
pub mod artifacts;
mod child;
pub mod cli;
mod death;
pub mod health;
pub mod layout;
mod log_file;
pub mod ports;
pub mod proc;
pub mod report;
pub mod server;
mod servers;
mod stack;
pub mod state;
pub mod supervisor;
pub mod unit;

pub use child::CommandSpec;
pub use layout::Layout;
pub use ports::Ports;
pub use server::Server;
pub use servers::unit as server_unit;
pub use stack::{Stack, StackBuilder};
