-- Group: Queries
-- Construct: `MATCH_RECOGNIZE`, `OVER` windows
-- Here: the same
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
SELECT * FROM readings MATCH_RECOGNIZE (PARTITION BY device ORDER BY event_time MEASURES FIRST(a.ts) AS started ONE ROW PER MATCH
  AFTER MATCH SKIP PAST LAST ROW PATTERN (a b+? c) DEFINE b AS b.v > a.v, c AS c.v < a.v);
SELECT device, AVG(v) OVER w FROM readings WINDOW w AS (PARTITION BY device ORDER BY event_time ROWS BETWEEN 60 PRECEDING AND CURRENT ROW);
