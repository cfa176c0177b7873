//! Examples of whole bodies, put together from the examples of their fields.

use serde_json::{Map, Value};
use utoipa::openapi::{Content, OpenApi, RefOr};

/// Gives every JSON body of a request or a response an example, unless it has one.
pub(super) fn add(document: &mut OpenApi) {
    let schemas = serde_json::to_value(&document.components)
        .ok()
        .and_then(|mut components| Some(components.get_mut("schemas")?.take()))
        .unwrap_or_default();
    for operation in document
        .paths
        .paths
        .values_mut()
        .flat_map(super::operations)
    {
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            fill(body.content.values_mut(), &schemas);
        }
        for (status, response) in &mut operation.responses.responses {
            // Errors are examples of themselves; the fields of a problem depend on the kind.
            if let (RefOr::T(response), true) = (response, status.starts_with('2')) {
                fill(response.content.values_mut(), &schemas);
            }
        }
    }
}

fn fill<'a>(contents: impl Iterator<Item = &'a mut RefOr<Content>>, schemas: &Value) {
    for content in contents {
        if let RefOr::T(content) = content
            && content.example.is_none()
            && content.examples.is_empty()
        {
            let schema = serde_json::to_value(&content.schema).unwrap_or_default();
            content.example = of(&schema, schemas);
        }
    }
}

/// An example of a value of the schema, or `None` when a part of it says nothing.
fn of(schema: &Value, schemas: &Value) -> Option<Value> {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        return of(&schemas[name], schemas);
    }
    let stated = [
        &schema["examples"][0],
        &schema["example"],
        &schema["enum"][0],
    ];
    if let Some(stated) = stated.into_iter().find(|value| !value.is_null()) {
        return Some(stated.clone());
    }
    // What may be null is shown as null, which comes last.
    if let Some(either) = schema["oneOf"].as_array() {
        return either.iter().rev().find_map(|one| of(one, schemas));
    }
    let is = |name: &str| match &schema["type"] {
        Value::Array(types) => types.iter().any(|one| one == name),
        one => one == name,
    };
    if is("object") {
        object(schema, schemas)
    } else if is("array") {
        Some(vec![of(&schema["items"], schemas)?].into())
    } else if is("null") {
        Some(Value::Null)
    } else {
        None
    }
}

fn object(schema: &Value, schemas: &Value) -> Option<Value> {
    let required = |name: &str| {
        let names = schema["required"].as_array();
        names.is_some_and(|names| names.iter().any(|one| one == name))
    };
    let mut object = Map::new();
    for (name, property) in schema["properties"].as_object()? {
        match of(property, schemas) {
            Some(value) => {
                object.insert(name.clone(), value);
            }
            None if required(name) => return None,
            None => {}
        }
    }
    Some(object.into())
}
