-- Group: Queries
-- Construct: `FOR SYSTEM_TIME AS OF`
-- Here: the same
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
CREATE TABLE targets (device STRING NOT NULL, target DOUBLE, PRIMARY KEY (device) NOT ENFORCED);
SELECT r.device, r.v - t.target FROM readings AS r JOIN targets FOR SYSTEM_TIME AS OF r.event_time AS t ON r.device = t.device;
SELECT r.device, t.target FROM readings AS r LEFT JOIN targets FOR SYSTEM_TIME AS OF r.event_time AS t ON r.device = t.device;
