-- Group: Tables
-- Construct: `kafka.producer.compression.type`, `kafka.consumer.isolation-level`
-- Here: properties of the Kafka client; the isolation level is `read_committed` when left out
CREATE TABLE t (v STRING) WITH ('kafka.producer.compression.type' = 'snappy', 'kafka.consumer.isolation-level' = 'read-uncommitted');
CREATE TABLE t (a INT) WITH ('kafka.producer.compression.type' = 'rar');
