-- Everything that was ever prescribed for one metric of a device, in one row, for as-of joins.
--
-- Grain       one metric of one device; key (device_id, metric_name)
-- Event time  version_time is the same for every version of every row: a version is valid from the beginning, until the
--             next one replaces it. An as-of join therefore sees the newest version whatever the time of its reading,
--             and looks for the prescription of that time among all of them. With the start of a prescription as
--             version time, a deleted, shifted or announced prescription would hide the one that is valid.
--             The watermark never passes version_time: a reading waits until this table has been silent for its idle
--             timeout, which makes a join that starts read all prescriptions first
-- Changelog   upsert: a change of one prescription renews the row; a tombstone when the last one goes
-- Retention   compact: the newest row of every key is kept for ever, since every new job needs all of them
CREATE TABLE IF NOT EXISTS int_hc_prescriptions (
  device_id STRING NOT NULL,
  metric_name STRING NOT NULL,
  prescriptions ARRAY<ROW<prescription_id STRING, target_value DOUBLE, tolerance DOUBLE, start_date BIGINT, end_date BIGINT>>,
  version_time AS TO_TIMESTAMP_LTZ(0, 3),
  WATERMARK FOR version_time AS version_time,
  PRIMARY KEY (device_id, metric_name) NOT ENFORCED
) DISTRIBUTED BY HASH(device_id, metric_name) INTO 3 BUCKETS
WITH (
  'changelog.mode' = 'upsert',
  'key.format' = 'avro-registry',
  'value.format' = 'avro-registry',
  'value.fields-include' = 'except-key',
  'kafka.cleanup-policy' = 'compact',
  'kafka.retention.time' = '0',
  'kafka.producer.compression.type' = 'snappy',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'unbounded'
);
