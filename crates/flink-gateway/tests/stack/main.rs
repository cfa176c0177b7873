//! Tests against a real Flink, Kafka and registry.
