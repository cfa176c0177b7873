-- Group: Statements
-- Construct: `ALTER TABLE ... SET (...)`, `RESET (...)`
-- Here: the table is defined again with the changed options; the topic keeps its records
CREATE TABLE t (v STRING);
ALTER TABLE t SET ('kafka.retention.time' = '1 d', 'scan.startup.mode' = 'latest-offset');
ALTER TABLE t RESET ('kafka.retention.time');
ALTER TABLE t SET ('changelog.mod' = 'append');
