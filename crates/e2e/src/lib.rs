//! What the tests of this crate share: the production SQL, a statements gateway on the shared servers, and tables that
//! are filled and read as topics. No product code.

mod bench;
mod codec;
mod compare;
mod consumer;
mod debezium;
mod flink;
mod gateway;
pub mod oracle;
mod pipeline;
mod pipelines;
mod rename;
mod standing;
mod tables;
mod tuning;
mod wait;

use std::path::{Path, PathBuf};

pub use bench::{Bench, Copy};
pub use codec::{Change, Row};
pub use compare::differences;
pub use pipeline::Pipeline;
pub use pipelines::{Definition, Pipelines};
pub use standing::standing;
pub use tables::Bound;
pub use wait::until;

/// The repository's root.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A binary of the workspace: it lies two folders above the test's own executable.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap_or_default();
    test.ancestors()
        .nth(2)
        .map(|folder| folder.join(name))
        .unwrap_or_default()
}
