-- Readings that are unlike those before them, whatever is prescribed.
--
-- Grain       one reading; key (device_id, metric_name, ts)
-- Event time  ts of the reading, epoch milliseconds
-- Changelog   upsert: a row is written once and never changes. The key keeps a job that starts again from writing it as
--             another row
-- Retention   delete-compact, 7 days, as the readings it is about
CREATE TABLE IF NOT EXISTS hc_fct_dev_anomaly (
  device_id STRING NOT NULL,
  metric_name STRING NOT NULL,
  ts BIGINT NOT NULL,
  patient_id STRING NOT NULL,
  `value` DOUBLE NOT NULL,
  expected DOUBLE NOT NULL,
  lower_bound DOUBLE NOT NULL,
  upper_bound DOUBLE NOT NULL,
  score DOUBLE NOT NULL,
  kind STRING NOT NULL,
  PRIMARY KEY (device_id, metric_name, ts) NOT ENFORCED
) DISTRIBUTED BY HASH(device_id, metric_name, ts) INTO 3 BUCKETS
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
