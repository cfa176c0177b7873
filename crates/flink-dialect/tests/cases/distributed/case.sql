-- Group: Tables
-- Construct: `DISTRIBUTED BY [HASH](c) INTO n BUCKETS`, `DISTRIBUTED INTO n BUCKETS`
-- Here: n partitions (6 when left out); the columns are the record's key (in an upsert table, those of its primary key)
CREATE TABLE by_hash (a INT NOT NULL, b INT NOT NULL, v STRING) DISTRIBUTED BY HASH(b, a) INTO 3 BUCKETS;
CREATE TABLE into_buckets (v STRING) DISTRIBUTED INTO 4 BUCKETS;
CREATE TABLE by_default (a INT) DISTRIBUTED BY (a);
INSERT INTO by_hash SELECT * FROM by_hash;
CREATE TABLE t (a INT) DISTRIBUTED BY RANGE(a) INTO 2 BUCKETS;
CREATE TABLE t (a INT) DISTRIBUTED INTO 0 BUCKETS;
CREATE TABLE t (a INT) DISTRIBUTED BY (b);
CREATE TABLE t (a INT) PARTITIONED BY (a);
