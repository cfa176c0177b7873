-- What is prescribed, one row per prescription and metric: the target, its tolerance, and when it is valid.
--
-- Grain       one metric of one prescription; key (prescription_id, metric_name)
-- Event time  none: a prescription is valid in [start_date, end_date), epoch milliseconds, end_date NULL while open.
--             A correction replaces the row for the whole interval, also for the past
-- Changelog   upsert: an edit replaces the row, a deleted prescription or a removed metric is a tombstone
-- Retention   compact: the newest row of every key is kept for ever, since every new job needs all of them
CREATE TABLE IF NOT EXISTS src_hc_prescriptions (
  prescription_id STRING NOT NULL,
  metric_name STRING NOT NULL,
  patient_id STRING NOT NULL,
  device_id STRING NOT NULL,
  target_value DOUBLE NOT NULL,
  tolerance DOUBLE NOT NULL,
  start_date BIGINT NOT NULL,
  end_date BIGINT,
  PRIMARY KEY (prescription_id, metric_name) NOT ENFORCED
) DISTRIBUTED BY HASH(prescription_id, metric_name) INTO 3 BUCKETS
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
