//! What every route shares: request bodies, entity tags, pages, problems, and the layers around the router.

pub mod body;
pub mod entity;
pub mod error;
pub mod idempotency;
pub mod json;
pub mod layers;
pub mod limits;
pub mod observe;
pub mod page;
mod serde_error;

pub use body::{JsonObject, Resource};
pub use entity::{Entity, IfMatch, MustMatch};
pub use error::{ApiError, OnConstraint, Problem, Reference};
pub use idempotency::{Created, IdempotencyKey};
pub use json::Json;
pub use limits::OverLimit;
pub use page::{ListParams, Page, Params};
pub(crate) use page::{Listed, Sorted};
