-- Group: Queries
-- Construct: `SELECT`, `VALUES`
-- Here: the same. With `sql.snapshot.mode` = `now` on the tables as they are at that moment, then it ends
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
SELECT 1;
SELECT device, COUNT(*) AS n FROM readings GROUP BY device;
VALUES (1, 'a'), (2, 'b');
SELECT * FROM readings LIMIT 10;
