-- Group: Tables
-- Construct: `key.fields-prefix`
-- Here: the same; the prefix is not part of the names in the key's schema
CREATE TABLE t (key_id STRING NOT NULL, id INT) DISTRIBUTED BY (key_id) WITH ('key.fields-prefix' = 'key_');
CREATE TABLE u (key_id STRING NOT NULL, id INT, PRIMARY KEY (key_id) NOT ENFORCED) WITH ('key.fields-prefix' = 'key_');
INSERT INTO u SELECT * FROM t;
CREATE TABLE plain (id STRING NOT NULL, v INT) DISTRIBUTED BY (id) WITH ('key.fields-prefix' = 'key_');
CREATE TABLE everything (key_id STRING NOT NULL, v INT) DISTRIBUTED BY (key_id) WITH ('key.fields-prefix' = 'key_', 'value.fields-include' = 'all');
