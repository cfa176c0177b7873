-- Group: Tables
-- Construct: `error-handling.mode`, `late-handling.mode`
-- Here: `fail` is accepted, everything else is refused: a record that cannot be read stops the job
CREATE TABLE strict (a INT) WITH ('error-handling.mode' = 'fail');
CREATE TABLE t (a INT) WITH ('error-handling.mode' = 'log');
CREATE TABLE t (a INT) WITH ('error-handling.log.target' = 'errors');
CREATE TABLE t (a INT) WITH ('late-handling.mode' = 'pass-through');
