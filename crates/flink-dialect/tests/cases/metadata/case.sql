-- Group: Time
-- Construct: `METADATA [FROM '...'] [VIRTUAL]`
-- Here: the same. With an own column of the metadata `timestamp`, `$rowtime` is computed from it and shows in `SELECT *`
CREATE TABLE own_timestamp (v STRING, sent TIMESTAMP_LTZ(3) METADATA FROM 'timestamp');
CREATE TABLE others (v STRING, `offset` BIGINT METADATA VIRTUAL, headers MAP<STRING, BYTES> METADATA, kind STRING METADATA FROM 'timestamp-type' VIRTUAL);
INSERT INTO own_timestamp (v, sent) SELECT v, $rowtime FROM own_timestamp;
SELECT v, `offset`, headers, kind, $rowtime FROM others;
CREATE TABLE twice (v STRING, sent TIMESTAMP_LTZ(3) METADATA FROM 'timestamp', `timestamp` TIMESTAMP_LTZ(3) METADATA VIRTUAL);
CREATE TABLE t (a STRING METADATA FROM 'raw-key', b INT);
