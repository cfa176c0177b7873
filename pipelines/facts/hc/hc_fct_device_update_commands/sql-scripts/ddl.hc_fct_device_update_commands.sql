-- Commands to update the software of a device, given when its patient can do without it.
--
-- Grain       one command; key (event_id, reason), the power status that made the device ready. A device gets one command
--             for each version that it is to have
-- Reason      DAYLIGHT_CHARGER_READY: on the charger, charged, and in daylight
-- Event time  ts of the power status, epoch milliseconds. No watermark: a command must not wait for the next event
-- Changelog   upsert: a tombstone withdraws a command when the version it is for changes within minutes, and when an
--             earlier power status arrives late, whose command replaces it
-- Retention   delete-compact, 7 days, as the events it is about
CREATE TABLE IF NOT EXISTS hc_fct_device_update_commands (
  event_id STRING NOT NULL,
  reason STRING NOT NULL,
  device_id STRING NOT NULL,
  patient_id STRING NOT NULL,
  ts BIGINT NOT NULL,
  software_version STRING NOT NULL,
  target_software_version STRING NOT NULL,
  battery_level INT NOT NULL,
  local_hour BIGINT NOT NULL,
  PRIMARY KEY (event_id, reason) NOT ENFORCED
) DISTRIBUTED BY HASH(event_id, reason) INTO 3 BUCKETS
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
