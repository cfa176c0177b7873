-- How many readings of an hour were as prescribed.
--
-- Grain       one hour of one device, patient and metric; key (window_start, device_id, patient_id, metric_name). Only
--             readings that a prescription covers count: an hour without one gives no row
-- Event time  window_start, the full hour in UTC, epoch milliseconds; the hour is [window_start, window_end). No
--             watermark: an hour counts what has come, also while it lasts, and no reading is too late for it
-- Changelog   upsert: every reading and every correction renews the row of its hour; a tombstone when no prescription
--             covers any of its readings any more
-- Retention   delete-compact, 7 days, as the readings it is about
CREATE TABLE IF NOT EXISTS hc_fct_compliance_1h (
  window_start BIGINT NOT NULL,
  device_id STRING NOT NULL,
  patient_id STRING NOT NULL,
  metric_name STRING NOT NULL,
  window_end BIGINT NOT NULL,
  readings_in_range BIGINT NOT NULL,
  readings_total BIGINT NOT NULL,
  compliance_pct DOUBLE NOT NULL,
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
