//! Response headers, each described once.

use utoipa::openapi::{
    Header, HeaderBuilder, ObjectBuilder, RefOr, Response, Type, path::Operation,
};

const REQUEST_ID: &str = "X-Request-Id";
const RETRY_AFTER: &str = "Retry-After";

/// Gives the responses of an operation a description and their headers.
pub(super) fn describe(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let (RefOr::T(response), Ok(status)) = (response, status.parse()) {
            add_to(response, status);
        }
    }
}

/// Adds the headers that every response of this status has, and describes those that it names.
pub(super) fn add_to(response: &mut Response, status: u16) {
    if response.description.is_empty() {
        let description = match status {
            201 => "Created",
            204 => "Done; there is nothing to show",
            _ => "Done",
        };
        description.clone_into(&mut response.description);
    }
    response
        .headers
        .insert(REQUEST_ID.to_owned(), Header::default().into());
    if status == 503 {
        response
            .headers
            .insert(RETRY_AFTER.to_owned(), Header::default().into());
    }
    for (name, header) in &mut response.headers {
        if let Some(known) = known(name) {
            *header = known.into();
        }
    }
}

fn known(name: &str) -> Option<Header> {
    let (description, pattern, example) = match name {
        "ETag" => (
            "The version of the resource, for `If-Match`",
            r#"^"[0-9]+"$"#,
            "\"1\"",
        ),
        "Location" => ("The path of the new resource", "^/", "/patients/P001"),
        "Link" => (
            "The next page, relative to this one; absent on the last",
            r#"^<.+>; rel="next"$"#,
            "<?limit=100&after=P100>; rel=\"next\"",
        ),
        REQUEST_ID => (
            "Finds the request in the log: the request's own `X-Request-Id` if it had one of this form, otherwise a new one",
            "^[A-Za-z0-9._-]{1,64}$",
            "7f1c9a52-3d1e-4f0b-9c55-2f6f3b0a8d11",
        ),
        RETRY_AFTER => {
            let seconds = ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(1));
            return Some(
                HeaderBuilder::new()
                    .schema(Some(seconds))
                    .description(Some("Seconds after which another attempt makes sense"))
                    .example(Some(2.into()))
                    .build(),
            );
        }
        _ => return None,
    };
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(pattern));
    let header = HeaderBuilder::new()
        .schema(Some(text))
        .description(Some(description));
    Some(header.example(Some(example.into())).build())
}
