-- Group: Statements
-- Construct: `CREATE TABLE ... AS SELECT`, `LIKE`
-- Here: refused: the topic's schema has to be written down
CREATE TABLE t AS SELECT 1;
CREATE TABLE t (PRIMARY KEY (a) NOT ENFORCED) WITH ('changelog.mode' = 'upsert') AS SELECT 1 AS a;
CREATE TABLE t (a INT) WITH ('changelog.mode' = 'append') AS SELECT 1;
CREATE TABLE t (a INT) LIKE u;
CREATE TABLE t LIKE u;
