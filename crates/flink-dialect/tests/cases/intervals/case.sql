-- Group: Time
-- Construct: `INTERVAL '...' DAY(n)`
-- Here: the same up to three digits, more are refused
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
SELECT * FROM readings WHERE event_time > CURRENT_TIMESTAMP - INTERVAL '365' DAY(3);
SELECT * FROM readings WHERE event_time > CURRENT_TIMESTAMP - INTERVAL '9999' DAY(4);
CREATE TABLE t (a TIMESTAMP(3), WATERMARK FOR a AS a - INTERVAL '1000' DAY(4));
CREATE TABLE t (a TIMESTAMP(3), b AS a - INTERVAL '1000' DAY(4));
