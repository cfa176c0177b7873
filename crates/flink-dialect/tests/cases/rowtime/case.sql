-- Group: Time
-- Construct: `$rowtime`, bare or quoted
-- Here: added to every table as virtual metadata `timestamp`; hidden from `SELECT *`
CREATE TABLE t (v STRING);
INSERT INTO t SELECT * FROM t WHERE $rowtime > TIMESTAMPADD(DAY, -1, CURRENT_TIMESTAMP);
SELECT `$rowtime`, t.`$rowtime`, v FROM t;
CREATE TABLE five_seconds (v STRING, WATERMARK FOR $rowtime AS $rowtime - INTERVAL '5' SECOND);
SELECT COUNT(*) FROM TUMBLE(TABLE five_seconds, DESCRIPTOR($rowtime), INTERVAL '1' MINUTE) GROUP BY window_start, window_end;
