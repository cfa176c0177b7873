-- Group: Queries
-- Construct: `INSERT INTO ... VALUES`, `... SELECT`, with a list of columns
-- Here: the same
CREATE TABLE t (a INT, b STRING);
INSERT INTO t VALUES (1, 'x; y'), (2, 'it''s');
INSERT INTO t (b, a) VALUES ('x', 1);
INSERT INTO t (a) SELECT a FROM t;
INSERT INTO t (SELECT a, b FROM t);
INSERT OVERWRITE t SELECT 1;
INSERT INTO t PARTITION (a = 1) SELECT 1;
INSERT INTO t;
