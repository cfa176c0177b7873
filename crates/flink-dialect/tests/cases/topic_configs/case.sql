-- Group: Tables
-- Construct: `kafka.cleanup-policy`, `kafka.retention.time`, `kafka.retention.size`, `kafka.compaction.time`, `kafka.max-message-size`, `kafka.message-timestamp-type`
-- Here: configuration of the topic; a retention of `0` is for ever
CREATE TABLE t (id STRING NOT NULL, PRIMARY KEY (id) NOT ENFORCED) WITH (
  'kafka.cleanup-policy' = 'delete-compact', 'kafka.retention.time' = '7 d', 'kafka.retention.size' = '0', 'kafka.compaction.time' = '1 h',
  'kafka.max-message-size' = '2 mb', 'kafka.message-timestamp-type' = 'log-append-time');
CREATE TABLE for_ever (v STRING) WITH ('kafka.retention.time' = '0', 'kafka.cleanup-policy' = 'delete', 'kafka.compaction.time' = '0');
CREATE TABLE t (a INT) WITH ('kafka.retention.time' = 'a week');
CREATE TABLE t (a INT) WITH ('kafka.max-message-size' = 'large');
CREATE TABLE t (a INT) WITH ('kafka.cleanup-policy' = 'burn');
