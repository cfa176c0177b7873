CREATE TABLE IF NOT EXISTS src_hc_prescriptions_ut (
  prescription_id STRING NOT NULL,
  metric_name STRING NOT NULL,
  patient_id STRING NOT NULL,
  device_id STRING NOT NULL,
  target_value DOUBLE NOT NULL,
  tolerance DOUBLE NOT NULL,
  start_date BIGINT NOT NULL,
  end_date BIGINT,
  PRIMARY KEY (prescription_id, metric_name) NOT ENFORCED
) DISTRIBUTED BY HASH(prescription_id, metric_name) INTO 1 BUCKETS
WITH (
  'changelog.mode' = 'upsert',
  'key.format' = 'avro-registry',
  'value.format' = 'avro-registry',
  'value.fields-include' = 'except-key',
  'scan.startup.mode' = 'earliest-offset',
  'scan.bounded.mode' = 'unbounded'
);
