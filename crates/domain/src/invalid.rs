use std::fmt::Display;

use serde::Serialize;
use thiserror::Error;

/// One thing that is wrong with a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the request body, such as `/parameters/0/parameterTolerance`.
    pub pointer: String,
    /// What must hold, as a phrase that follows the field's name: "must not be negative".
    pub detail: String,
}

/// Everything that is wrong with a draft; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{} invalid field(s), first: {} {}", .0.len(), first(.0).pointer, first(.0).detail)]
pub struct Invalid(Vec<FieldError>);

fn first(errors: &[FieldError]) -> &FieldError {
    &errors[0]
}

impl Invalid {
    /// One error at one place.
    pub fn at(pointer: impl Into<String>, detail: impl Display) -> Self {
        Self(vec![FieldError {
            pointer: pointer.into(),
            detail: detail.to_string(),
        }])
    }

    /// The errors in the order of the fields.
    pub fn errors(&self) -> &[FieldError] {
        &self.0
    }
}

impl From<Invalid> for Vec<FieldError> {
    fn from(invalid: Invalid) -> Self {
        invalid.0
    }
}

/// Collects errors, so that a client learns about all of them at once.
#[derive(Debug, Default)]
pub struct Checks(Vec<FieldError>);

impl Checks {
    /// Notes an error at a place.
    pub fn fail(&mut self, pointer: impl Into<String>, detail: impl Display) {
        self.0.push(FieldError {
            pointer: pointer.into(),
            detail: detail.to_string(),
        });
    }

    /// Notes an error at a place unless the condition holds.
    pub fn require(&mut self, condition: bool, pointer: &str, detail: impl Display) {
        if !condition {
            self.fail(pointer, detail);
        }
    }

    /// The value of a parse, or `None` and its error noted.
    pub fn keep<T, E: Display>(&mut self, pointer: &str, parsed: Result<T, E>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(pointer, error);
                None
            }
        }
    }

    /// Notes an error unless the text, without surrounding white space, has `min..=max` characters; returns the trimmed text.
    pub fn text(&mut self, pointer: &str, text: &str, min: usize, max: usize) -> String {
        let text = text.trim();
        let length = text.chars().count();
        if length < min {
            self.fail(pointer, "must not be empty");
        } else if length > max {
            self.fail(pointer, format_args!("must have at most {max} characters"));
        } else if text.chars().any(char::is_control) {
            self.fail(pointer, "must not contain control characters");
        }
        text.to_owned()
    }

    /// Notes an error unless the number is finite and in `min..=max`.
    pub fn number(&mut self, pointer: &str, value: f64, min: f64, max: f64) {
        if value < min && min == 0.0 {
            self.fail(pointer, "must not be negative");
        } else if !(min..=max).contains(&value) {
            self.fail(pointer, format_args!("must be between {min} and {max}"));
        }
    }

    /// `Ok` when nothing was noted.
    pub fn finish(self) -> Result<(), Invalid> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Invalid(self.0))
        }
    }
}
