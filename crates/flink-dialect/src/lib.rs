//! Confluent Cloud's Flink SQL dialect, understood and translated to open-source Flink 2.2. No I/O.
//!
//! The files of `pipelines/` and the statements that clients send are written in Confluent's dialect, in which
//! a table *is* a topic and names no connector. This crate parses them ([`parse`]), keeps tables as typed models
//! ([`Table`]), translates them for open-source Flink ([`translate_table`], [`translate_query`],
//! [`translate_properties`]), infers the tables of topics that others own ([`infer_table`]), and orders the
//! statements of a folder by what they read ([`graph`]).
//!
//! Text is only ever looked at through the [`tokenizer`]: a keyword inside a string, a comment or a quoted name is
//! not a keyword. What the crate does not support is refused with a sentence that names it and says what to do.

mod alter;
pub mod avro;
mod avro_reader;
mod error;
pub mod graph;
mod infer;
mod intervals;
mod model;
mod names;
mod namespace;
mod normalize;
mod parser;
mod properties;
mod query;
mod statement;
mod subjects;
pub mod tokenizer;
mod translate;
mod units;

pub use alter::apply_alter;
pub use error::DialectError;
pub use infer::infer_table;
pub use model::{
    AlterAction, AlterTable, Column, ColumnKind, DataType, Distribution, Table, Watermark,
};
pub use names::{ObjectName, StatementNames, quote_identifier, quote_string};
pub use namespace::Namespace;
pub use normalize::{normalize, same_statement};
pub use parser::{parse, split_statements};
pub use properties::{StatementProperties, parse_properties_file, translate_properties};
pub use query::{QueryTuning, TranslatedQuery, translate_query};
pub use statement::{CreateTable, Insert, SqlKind, Statement};
pub use subjects::{TopicSubjects, find_subjects};
pub use translate::{
    Connection, Connector, LakeTable, Offsets, Subject, TopicSpec, TranslatedTable, lake_statement,
    lake_table, translate_table,
};
