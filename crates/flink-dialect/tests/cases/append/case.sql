-- Group: Tables
-- Construct: `changelog.mode` = `append`, the default without a primary key
-- Here: connector `kafka`: every record is a row. A primary key decides the record's key only
CREATE TABLE t (k STRING NOT NULL, ts BIGINT NOT NULL, v ROW<x INT NOT NULL, y ARRAY<STRING>>,
  event_time AS TO_TIMESTAMP_LTZ(ts, /* milliseconds */ 3), part INT METADATA FROM 'partition' VIRTUAL,
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND
) DISTRIBUTED BY (k) WITH ('value.fields-include' = 'all');
CREATE TABLE no_key (v STRING);
CREATE TABLE key_without_meaning (k STRING NOT NULL, v STRING, PRIMARY KEY (k) NOT ENFORCED) WITH ('changelog.mode' = 'append');
INSERT INTO no_key SELECT v FROM key_without_meaning;
