-- The patients as they are now.
--
-- Grain       one patient; key patient_id
-- Event time  none: a row is what is known now, and says nothing about the past
-- Changelog   upsert: a change is one new row, a deleted patient is a tombstone
-- Retention   compact: the newest row of every key is kept for ever, since every new job needs all of them
CREATE TABLE IF NOT EXISTS src_hc_patients (
  patient_id STRING NOT NULL,
  name STRING NOT NULL,
  gender STRING NOT NULL,
  birth_date STRING NOT NULL,
  zip_code STRING NOT NULL,
  timezone STRING NOT NULL,
  PRIMARY KEY (patient_id) NOT ENFORCED
) DISTRIBUTED BY HASH(patient_id) INTO 3 BUCKETS
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
