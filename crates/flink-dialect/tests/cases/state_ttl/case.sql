-- Group: Queries
-- Construct: hint `STATE_TTL`
-- Here: the same; the engine's tuning may replace the times
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
CREATE TABLE targets (device STRING NOT NULL, target DOUBLE, PRIMARY KEY (device) NOT ENFORCED);
SELECT /*+ STATE_TTL('m' = '10 min', 'r' = '0 s') */ m.device, m.ts FROM readings AS m JOIN targets AS r ON m.device = r.device;
