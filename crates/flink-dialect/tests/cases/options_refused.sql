CREATE TABLE t (a INT) WITH ('changelog.mod' = 'append');
CREATE TABLE t (a INT) WITH ('changelog.mode' = 'sometimes');
CREATE TABLE t (a INT) WITH ('changelog.mode' = 'upsert');
CREATE TABLE t (a INT) WITH ('value.format' = 'json-registry');
CREATE TABLE t (a INT) WITH ('value.format' = 'proto-registry');
CREATE TABLE t (a INT) WITH ('value.format' = 'json');
CREATE TABLE t (a INT) WITH ('connector' = 'faker');
CREATE TABLE t (a INT) WITH ('kafka.retention.time' = 'a week');
CREATE TABLE t (a INT) WITH ('kafka.cleanup-policy' = 'burn');
CREATE TABLE t (a INT) WITH ('error-handling.mode' = 'log');
CREATE TABLE t (a INT) WITH ('changelog.mode' = 'append', 'changelog.mode' = 'append');
CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a) NOT ENFORCED) DISTRIBUTED BY HASH(b) INTO 1 BUCKETS;
CREATE TABLE t (a TIMESTAMP(6));
CREATE TABLE t (a MAP<INT, STRING>);
CREATE TABLE t (a STRING METADATA FROM 'raw-key', b INT);
CREATE TABLE t (`b c` INT);
CREATE TABLE t (a ROW<b MULTISET<INT>>)
