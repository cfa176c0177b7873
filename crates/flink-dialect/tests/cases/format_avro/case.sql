-- Group: Formats
-- Construct: `key.format`, `value.format` = `avro-registry`, the default
-- Here: `avro-confluent`; the subjects `<topic>-key` and `<topic>-value` are registered when the table is created
CREATE TABLE t (k BIGINT NOT NULL, v DOUBLE) DISTRIBUTED BY (k) WITH ('key.format' = 'avro-registry', 'value.format' = 'avro-registry');
INSERT INTO t SELECT * FROM t;
CREATE TABLE names (`b c` INT);
