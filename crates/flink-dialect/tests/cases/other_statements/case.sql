-- Group: Statements
-- Construct: `SET`, `USE`, `UPDATE`, `DELETE`, `STOP JOB`, ...
-- Here: refused; settings are properties of the statement
SET 'sql.state-ttl' = '1 d';
USE CATALOG c;
DELETE FROM t;
STOP JOB 'x';
FROM t SELECT 1;
