//! The description of the API: what the handlers say of themselves, completed with what holds for all of them.
//!
//! A handler describes what it takes and its success; which errors that can lead to follows from what it takes
//! ([`errors`]), and examples of bodies from the examples of their fields ([`examples`]).

mod errors;
mod examples;
mod headers;
pub mod types;

use utoipa::openapi::{OpenApi, PathItem, path::Operation};

/// Adds the errors of each operation, the headers of each response, and examples of bodies.
pub fn complete(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    components.responses.extend(errors::components());
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        errors::add(operation);
        headers::describe(operation);
    }
    examples::add(&mut document);
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
    ]
    .into_iter()
    .flatten()
}
