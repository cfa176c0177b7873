-- Group: Statements
-- Construct: `ALTER TABLE ... ADD`, `MODIFY WATERMARK`, `DROP`
-- Here: computed and metadata columns and the watermark change for later statements; what is there already changes nothing
CREATE TABLE t (device STRING, ts BIGINT);
ALTER TABLE t ADD event_time AS TO_TIMESTAMP_LTZ(ts, 3);
ALTER TABLE t ADD event_time AS TO_TIMESTAMP_LTZ( ts,3 );
ALTER TABLE t MODIFY WATERMARK FOR event_time AS event_time - INTERVAL '5' SECOND;
SELECT COUNT(*) FROM TABLE(TUMBLE(TABLE t, DESCRIPTOR(event_time), INTERVAL '1' HOUR)) GROUP BY window_start, window_end;
ALTER TABLE t ADD (part INT METADATA FROM 'partition' VIRTUAL, WATERMARK FOR $rowtime AS $rowtime - INTERVAL '1' SECOND);
ALTER TABLE t DROP WATERMARK;
ALTER TABLE t DROP (part, event_time);
ALTER TABLE t DROP device;
ALTER TABLE t ADD a INT;
ALTER TABLE t ADD PRIMARY KEY (a) NOT ENFORCED;
ALTER TABLE t ADD b AS 1 FIRST;
ALTER TABLE t MODIFY a INT;
ALTER TABLE t DROP PRIMARY KEY;
ALTER TABLE t RENAME TO u;
ALTER TABLE t;
ALTER VIEW v RENAME TO w;
