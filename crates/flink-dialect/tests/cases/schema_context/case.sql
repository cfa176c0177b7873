-- Group: Formats
-- Construct: `*.schema-context`
-- Here: left out with a warning: the local registry has one context
CREATE TABLE t (a INT NOT NULL, b STRING, PRIMARY KEY (a) NOT ENFORCED)
WITH ('key.avro-registry.schema-context' = '.flink-dev', 'value.avro-registry.schema-context' = '.flink-dev');
