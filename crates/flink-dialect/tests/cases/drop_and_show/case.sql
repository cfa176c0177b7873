-- Group: Statements
-- Construct: `DROP TABLE`, `SHOW TABLES`, `SHOW CREATE TABLE`, `DESCRIBE`
-- Here: `DROP` deletes topic and subjects of a table that was created here; `SHOW` answers in this dialect
DROP TABLE IF EXISTS `a.b`;
DROP TABLE env.db.t;
SHOW TABLES;
SHOW CREATE TABLE t;
DESCRIBE EXTENDED t;
DROP VIEW v;
DROP;
DROP TABLE t u;
SHOW TABLES LIKE 'x%';
SHOW JOBS;
