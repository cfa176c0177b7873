//! The rules of the story, as properties.

#![expect(
    clippy::unwrap_used,
    reason = "the lints spare test functions, but not their helpers"
)]

mod rest;
mod signatures;
mod stream;
mod support;
