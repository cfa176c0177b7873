-- The golden record of a patient and a device: who it is, what the device is set to, and what is prescribed.
--
-- Grain       one device that is assigned to a patient; key (patient_id, device_id)
-- Event time  none: a row is what is known now. The prescribed values are those of the prescription that starts last,
--             whether it has begun, ended or not; what held at a reading's time is in the facts
-- Changelog   upsert: a change of any of the three tables is a new row; a device that goes to another patient leaves a
--             tombstone at its old key
-- Retention   compact: the newest row of every key is kept for ever
CREATE TABLE IF NOT EXISTS hc_dim_patients (
  patient_id STRING NOT NULL,
  device_id STRING NOT NULL,
  name STRING NOT NULL,
  gender STRING NOT NULL,
  birth_date STRING NOT NULL,
  zip_code STRING NOT NULL,
  model_type STRING NOT NULL,
  serial_number STRING NOT NULL,
  device_pressure DOUBLE NOT NULL,
  device_flow_rate DOUBLE NOT NULL,
  device_flow_level DOUBLE NOT NULL,
  prescribed_pressure DOUBLE,
  prescribed_flow_rate DOUBLE,
  prescribed_flow_level DOUBLE,
  PRIMARY KEY (patient_id, device_id) NOT ENFORCED
) DISTRIBUTED BY HASH(patient_id, device_id) INTO 3 BUCKETS
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
