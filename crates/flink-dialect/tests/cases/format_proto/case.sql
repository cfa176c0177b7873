-- Group: Formats
-- Construct: `proto-registry`
-- Here: refused: open-source Flink has no Protobuf with a registry
CREATE TABLE t (a INT) WITH ('value.format' = 'proto-registry');
CREATE TABLE t (a INT) WITH ('key.format' = 'proto-registry');
CREATE TABLE t (a INT) WITH ('value.format' = 'proto-debezium-registry');
CREATE TABLE t (a INT) WITH ('value.format' = 'csv');
