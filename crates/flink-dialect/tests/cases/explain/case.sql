-- Group: Statements
-- Construct: `EXPLAIN`
-- Here: the same
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
EXPLAIN SELECT device FROM readings;
EXPLAIN CHANGELOG_MODE INSERT INTO readings (device, ts) SELECT device, ts FROM readings;
