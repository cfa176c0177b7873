-- Group: Queries
-- Construct: `WITH name AS (...)`, nested queries and parentheses
-- Here: the same
CREATE TABLE readings (device STRING NOT NULL, ts BIGINT NOT NULL, v DOUBLE, event_time AS TO_TIMESTAMP_LTZ(ts, 3),
  WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND) DISTRIBUTED BY (device);
CREATE TABLE sink (device STRING, n BIGINT, PRIMARY KEY (device) NOT ENFORCED);
INSERT INTO sink
-- the query; with a semicolon and an apostrophe: it's
WITH newest AS (SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY device ORDER BY event_time DESC) AS rn FROM readings) WHERE ((rn) = (1))),
  counted (device, n) AS (SELECT device, COUNT(*) FROM newest /* not (the) 'last' */ GROUP BY device)
SELECT device, n FROM counted WHERE device <> 'a ; b -- c /* d */ ''e''' AND (n > 0 OR (n IN (SELECT (1))));
(SELECT device FROM readings) UNION ALL (SELECT 'none');
