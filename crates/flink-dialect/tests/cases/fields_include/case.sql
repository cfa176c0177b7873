-- Group: Tables
-- Construct: `value.fields-include` = `all`, `except-key` (the default)
-- Here: `ALL`, `EXCEPT_KEY`, where the record has a key
CREATE TABLE everything (k STRING NOT NULL, v STRING) DISTRIBUTED BY (k) WITH ('value.fields-include' = 'all');
CREATE TABLE except_key (k STRING NOT NULL, v STRING) DISTRIBUTED BY (k) WITH ('value.fields-include' = 'except-key');
CREATE TABLE no_key (v STRING) WITH ('value.fields-include' = 'all');
CREATE TABLE t (v STRING) WITH ('value.fields-include' = 'some');
