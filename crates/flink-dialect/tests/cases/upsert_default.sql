-- A primary key makes an upsert table, compacted.
CREATE TABLE t (a INT NOT NULL PRIMARY KEY NOT ENFORCED, b STRING);
CREATE TABLE `db`.t (`c` STRING, a INT, CONSTRAINT pk PRIMARY KEY (a, `c`) NOT ENFORCED) WITH ('changelog.mode' = 'retract')
