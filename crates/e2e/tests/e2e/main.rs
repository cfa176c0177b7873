//! Whole-stack tests. Each starts the product with `hc-platform dev` in a folder and on ports of its own, uses it over
//! HTTP, and stops it; the binaries under test are the ones `cargo build --workspace` made.

mod browser;
mod environment;
mod home;
mod journey;
mod lake;
mod lifecycle;
mod poison;
mod product;
mod recovery;
mod secrets;
mod shift_left;
mod therapy;
mod topics;
