-- Group: Queries
-- Construct: `TUMBLE`, `HOP`, `CUMULATE`, with and without `TABLE(...)`
-- Here: the same
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
CREATE TABLE hourly (window_start TIMESTAMP(3) NOT NULL, device STRING NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (window_start, device) NOT ENFORCED);
INSERT INTO hourly SELECT window_start, device, COUNT(*) FROM TABLE(TUMBLE(TABLE readings, DESCRIPTOR(event_time), INTERVAL '1' HOUR)) GROUP BY window_start, window_end, device;
SELECT window_start, AVG(v) FROM TUMBLE(DATA => TABLE readings, TIMECOL => DESCRIPTOR(event_time), SIZE => INTERVAL '1' HOUR) GROUP BY window_start, window_end;
SELECT window_end, MAX(v) FROM HOP(TABLE readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE, INTERVAL '1' HOUR) GROUP BY window_start, window_end;
