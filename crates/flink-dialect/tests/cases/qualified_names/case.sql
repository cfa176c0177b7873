-- Group: Queries
-- Construct: names with catalog and database, by id or display name
-- Here: the qualifiers of this environment and cluster are taken away in place; others are refused
CREATE TABLE `env-000000`.`lkc-000000`.t (a INT);
CREATE TABLE cluster.`a.b` (a INT);
INSERT INTO `local`.`cluster`.t SELECT cluster.`a.b`.a FROM `lkc-000000`.`a.b` JOIN `env-000000`.cluster.t ON t.a = cluster.`a.b`.a;
SELECT a FROM elsewhere.t;
SELECT a FROM `env-1`.cluster.t;
CREATE TABLE a.b.c.d (a INT);
