-- Group: Tables
-- Construct: mistakes in `CREATE TABLE`
-- Here: refused when the table is created, with the place or the name
CREATE TABLE t (a INT) WITH ('changelog.mod' = 'append');
CREATE TABLE t (a INT) WITH ('changelog.mode' = 'sometimes');
CREATE TABLE t (a INT) WITH ('changelog.mode' = 'append', 'changelog.mode' = 'append');
CREATE TABLE t (a INT, a STRING);
CREATE TABLE t (a INT, PRIMARY KEY (b) NOT ENFORCED);
CREATE TABLE t (a INT, PRIMARY KEY (a));
CREATE TABLE t (a AS 1, b INT, PRIMARY KEY (a) NOT ENFORCED);
CREATE TABLE t (a INT, UNIQUE (a));
CREATE TABLE t (a AS 1);
CREATE TABLE t (a INT, b AS f(a]);
CREATE TABLE t (a INT, b AS f(a;
CREATE TABLE t (a INT,);
CREATE TABLE t (a INT;
