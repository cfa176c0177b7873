-- Group: Formats
-- Construct: `json-registry`
-- Here: `json` without a registry, with a warning: nothing is registered, and records of a registry's serializer cannot be read
CREATE TABLE t (k STRING NOT NULL, since TIMESTAMP_LTZ(6), `a b` MAP<STRING, TIMESTAMP(9)>) DISTRIBUTED BY (k) WITH ('key.format' = 'json-registry', 'value.format' = 'json-registry');
CREATE TABLE mixed (k STRING NOT NULL, since TIMESTAMP_LTZ(3), PRIMARY KEY (k) NOT ENFORCED) WITH ('value.format' = 'json');
INSERT INTO mixed SELECT k, CAST(since AS TIMESTAMP_LTZ(3)) FROM t;
CREATE TABLE u (a MAP<INT, STRING>) WITH ('value.format' = 'json');
CREATE TABLE u (a ROW<b MULTISET<INT>>) WITH ('value.format' = 'json');
