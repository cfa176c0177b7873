-- Group: Formats
-- Construct: `raw`
-- Here: the same: one column as it stands in the record
CREATE TABLE t (k STRING NOT NULL, v BYTES) DISTRIBUTED BY (k) WITH ('key.format' = 'raw', 'value.format' = 'raw');
INSERT INTO t SELECT * FROM t;
CREATE TABLE two (a STRING, b STRING) WITH ('value.format' = 'raw');
CREATE TABLE two_keys (a STRING, b STRING, c STRING) DISTRIBUTED BY (a, b) WITH ('key.format' = 'raw');
