-- Group: Tables
-- Construct: `changelog.mode` = `upsert`, the default with a primary key
-- Here: connector `upsert-kafka`, topic compacted: the newest record of a key is the row, a null value deletes it
-- A primary key makes an upsert table, compacted.
CREATE TABLE by_default (a INT NOT NULL PRIMARY KEY NOT ENFORCED, b STRING);
CREATE TABLE IF NOT EXISTS stated (
  id STRING NOT NULL, -- a comment; with a semicolon
  n DECIMAL(10,2) COMMENT 'it''s a number',
  since TIMESTAMP_LTZ(3),
  PRIMARY KEY (id) NOT ENFORCED
) COMMENT 'a table' DISTRIBUTED BY HASH(id) INTO 2 BUCKETS WITH ('changelog.mode' = 'upsert');
INSERT INTO by_default SELECT a, MAX(b) FROM by_default GROUP BY a;
CREATE TABLE without_key (a INT) WITH ('changelog.mode' = 'upsert');
CREATE TABLE other_key (a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a) NOT ENFORCED) DISTRIBUTED BY HASH(b) INTO 1 BUCKETS;
