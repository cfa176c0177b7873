-- Group: Formats
-- Construct: `value.format` = `avro-debezium-registry`
-- Here: `debezium-avro-confluent` on connector `kafka`, read only, without default watermark
CREATE TABLE `healthcare.public.prescriptions` (id STRING NOT NULL, parameters STRING, PRIMARY KEY (id) NOT ENFORCED)
DISTRIBUTED BY HASH(id) INTO 3 BUCKETS
WITH ('changelog.mode' = 'retract', 'key.format' = 'avro-registry', 'value.format' = 'avro-debezium-registry', 'value.fields-include' = 'all');
CREATE TABLE copies (id STRING NOT NULL, parameters STRING, PRIMARY KEY (id) NOT ENFORCED);
INSERT INTO copies SELECT id, parameters FROM `healthcare.public.prescriptions`;
CREATE TABLE appended (id STRING) WITH ('changelog.mode' = 'append', 'value.format' = 'avro-debezium-registry');
CREATE TABLE key_envelope (id STRING) WITH ('key.format' = 'avro-debezium-registry');
CREATE TABLE t (a INT) WITH ('value.format' = 'json-debezium-registry');
