-- What a device measured in an hour: mean, extremes and count of each metric.
--
-- Grain       one hour of one device, patient and metric; key (window_start, device_id, patient_id, metric_name)
-- Event time  window_start, the full hour in UTC, epoch milliseconds; the hour is [window_start, window_end)
-- Changelog   upsert: an hour is written once, when it is over, and never changes. The key keeps a job that starts
--             again from writing it as another row
-- Retention   delete-compact, 7 days, as the readings it is about
CREATE TABLE IF NOT EXISTS hc_fct_telemetry_1h (
  window_start BIGINT NOT NULL,
  device_id STRING NOT NULL,
  patient_id STRING NOT NULL,
  metric_name STRING NOT NULL,
  window_end BIGINT NOT NULL,
  avg_value DOUBLE NOT NULL,
  min_value DOUBLE NOT NULL,
  max_value DOUBLE NOT NULL,
  count_reading BIGINT NOT NULL,
  PRIMARY KEY (window_start, device_id, patient_id, metric_name) NOT ENFORCED
) DISTRIBUTED BY HASH(window_start, device_id, patient_id, metric_name) INTO 3 BUCKETS
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
