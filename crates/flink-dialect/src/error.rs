use thiserror::Error;

/// Why a statement cannot be used. The text is one or two sentences: what is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DialectError {
    /// The text is not a statement. Line and column count from 1, in characters.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// What was expected and what stands there.
        message: String,
        /// Line of the offending token.
        line: usize,
        /// Column of the offending token.
        column: usize,
    },
    /// A valid construct of Confluent's dialect, or of Flink, that has no counterpart here.
    #[error("{construct} is not supported here. {advice}")]
    Unsupported {
        /// The construct, in the words of the statement.
        construct: String,
        /// What to do instead.
        advice: String,
    },
    /// The statement contradicts itself or the table it is about.
    #[error("{0}")]
    Invalid(String),
}

impl DialectError {
    pub(crate) fn unsupported(construct: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Unsupported {
            construct: construct.into(),
            advice: advice.into(),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }
}
