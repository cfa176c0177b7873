//! SQL types as Avro and back, as Flink's `avro-confluent` format maps them.
