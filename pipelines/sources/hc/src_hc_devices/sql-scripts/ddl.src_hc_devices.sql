-- The devices as they are now: what they are, what they are set to, where they belong and whose they are.
--
-- Grain       one device; key device_id. patient_id is NULL while the device is nobody's
-- Event time  none: a row is what is known now, and says nothing about the past
-- Changelog   upsert: a change is one new row, also when the device goes to another patient; a deleted device is a
--             tombstone
-- Retention   compact: the newest row of every key is kept for ever, since every new job needs all of them
CREATE TABLE IF NOT EXISTS src_hc_devices (
  device_id STRING NOT NULL,
  patient_id STRING,
  manufacturer STRING NOT NULL,
  model_type STRING NOT NULL,
  serial_number STRING NOT NULL,
  software_version STRING NOT NULL,
  target_software_version STRING,
  hw_model STRING NOT NULL,
  pressure_setting DOUBLE NOT NULL,
  flow_rate_setting DOUBLE NOT NULL,
  flow_level_setting DOUBLE NOT NULL,
  latitude DOUBLE,
  longitude DOUBLE,
  battery_level INT,
  plugged BOOLEAN NOT NULL,
  PRIMARY KEY (device_id) NOT ENFORCED
) DISTRIBUTED BY HASH(device_id) INTO 3 BUCKETS
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
