-- Group: Queries
-- Construct: `ROW_NUMBER() OVER (...)` with `rn = 1`
-- Here: the same
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
CREATE TABLE newest (device STRING NOT NULL, ts BIGINT, PRIMARY KEY (device) NOT ENFORCED);
INSERT INTO newest SELECT device, ts FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY device ORDER BY event_time DESC) AS rn FROM readings) WHERE rn = 1;
