-- Group: Queries
-- Construct: joins
-- Here: the same
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
CREATE TABLE targets (device STRING NOT NULL, target DOUBLE, PRIMARY KEY (device) NOT ENFORCED);
CREATE TABLE drift (device STRING NOT NULL, ts BIGINT NOT NULL, deviation DOUBLE, PRIMARY KEY (device, ts) NOT ENFORCED);
INSERT INTO drift SELECT r.device, r.ts, r.v - t.target FROM readings r JOIN targets t ON r.device = t.device;
SELECT * FROM (SELECT device FROM readings) AS a FULL OUTER JOIN (SELECT device FROM targets) AS b ON a.device = b.device;
SELECT a.device FROM readings a, targets b WHERE a.device = b.device AND a.device IN (SELECT device FROM drift);
