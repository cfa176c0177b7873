-- Group: Tables
-- Construct: `connector` = `faker`, `datagen`, ...
-- Here: refused: a table is a topic, filled by `INSERT INTO ... VALUES` or a producer. `confluent` is accepted
CREATE TABLE named (a INT) WITH ('connector' = 'confluent');
CREATE TABLE t (a INT) WITH ('connector' = 'faker', 'rows-per-second' = '10');
CREATE TABLE t (a INT) WITH ('connector' = 'kafka');
