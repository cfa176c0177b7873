-- Group: Tables
-- Construct: `scan.startup.*`, `scan.bounded.*`
-- Here: the same; `earliest-offset` when left out. An upsert table is always read from the beginning. With `sql.snapshot.mode` a table ends at its newest offset
CREATE TABLE by_mode (v STRING) WITH ('scan.startup.mode' = 'latest-offset', 'scan.bounded.mode' = 'unbounded');
CREATE TABLE by_time (v STRING) WITH ('scan.startup.mode' = 'timestamp', 'scan.startup.timestamp-millis' = '1735689600000',
  'scan.bounded.mode' = 'timestamp', 'scan.bounded.timestamp-millis' = '1767225600000');
CREATE TABLE by_offsets (v STRING) WITH ('scan.startup.mode' = 'specific-offsets', 'scan.startup.specific-offsets' = 'partition:0,offset:42');
CREATE TABLE by_key (id STRING NOT NULL, PRIMARY KEY (id) NOT ENFORCED) WITH ('scan.startup.mode' = 'latest-offset', 'scan.bounded.mode' = 'latest-offset');
SELECT v FROM by_mode UNION ALL SELECT v FROM by_time UNION ALL SELECT v FROM by_offsets UNION ALL SELECT id FROM by_key;
CREATE TABLE t (a INT) WITH ('scan.startup.mode' = 'sometimes');
CREATE TABLE t (a INT) WITH ('scan.bounded.mode' = 'group-offsets');
CREATE TABLE t (a INT) WITH ('scan.bounded.mode' = 'timestamp');
CREATE TABLE t (a INT) WITH ('scan.startup.timestamp-millis' = 'yesterday');
