-- Group: Tables
-- Construct: `changelog.mode` = `retract`
-- Here: as `upsert`, with a warning: the rows are the same, the bytes of the records are not. Without a primary key refused
CREATE TABLE `cluster`.t (`c` STRING, a INT, CONSTRAINT pk PRIMARY KEY (a, `c`) NOT ENFORCED) WITH ('changelog.mode' = 'retract');
CREATE TABLE without_key (a INT) WITH ('changelog.mode' = 'retract');
