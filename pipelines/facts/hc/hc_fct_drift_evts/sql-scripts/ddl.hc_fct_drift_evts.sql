-- Readings that lie outside of what is prescribed: intent against reality.
--
-- Grain       one reading judged by one prescription; key (device_id, metric_name, ts, prescription_id).
--             Two prescriptions valid at the same time judge a reading each for itself
-- Event time  ts of the reading, epoch milliseconds. No watermark: the verdict depends on no other reading, and
--             nothing is computed from this table by event time
-- Changelog   upsert: a corrected prescription replaces the verdicts of the readings it covers, and a tombstone takes
--             back those that are in range now
-- Retention   delete-compact, 7 days, as the readings it is about
CREATE TABLE IF NOT EXISTS hc_fct_drift_evts (
  device_id STRING NOT NULL,
  metric_name STRING NOT NULL,
  ts BIGINT NOT NULL,
  prescription_id STRING NOT NULL,
  patient_id STRING NOT NULL,
  prescribed_value DOUBLE NOT NULL,
  actual_value DOUBLE NOT NULL,
  tolerance DOUBLE NOT NULL,
  deviation DOUBLE NOT NULL,
  drift_direction STRING NOT NULL,
  message STRING,
  PRIMARY KEY (device_id, metric_name, ts, prescription_id) NOT ENFORCED
) DISTRIBUTED BY HASH(device_id, metric_name, ts, prescription_id) INTO 3 BUCKETS
WITH (
  'changelog.mode' = 'upsert',
  'key.format' = 'avro-registry',
  'value.format' = 'avro-registry',
  'value.fields-include' = 'except-key',
  'kafka.cleanup-policy' = 'delete-compact',
  'kafka.retention.time' = '7 d',
  'kafka.producer.compression.type' = 'snappy',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'unbounded'
);
