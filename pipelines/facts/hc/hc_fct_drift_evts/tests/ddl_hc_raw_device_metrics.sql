CREATE TABLE IF NOT EXISTS hc_raw_device_metrics_ut (
  device_id STRING NOT NULL,
  patient_id STRING NOT NULL,
  ts BIGINT NOT NULL,
  metric_name STRING NOT NULL,
  metric_value DOUBLE NOT NULL,
  software_version STRING
) DISTRIBUTED BY HASH(device_id) INTO 1 BUCKETS
WITH (
  'changelog.mode' = 'append',
  'key.format' = 'avro-registry',
  'value.format' = 'avro-registry',
  'value.fields-include' = 'except-key',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'unbounded'
);
