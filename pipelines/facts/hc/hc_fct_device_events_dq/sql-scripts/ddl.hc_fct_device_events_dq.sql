-- What is wrong with the events of devices.
--
-- Grain       one reason about one event; key (event_id, reason)
-- Reason      BAD_TIMESTAMP, LAT_OUT_OF_RANGE, LNG_OUT_OF_RANGE, BATTERY_OUT_OF_RANGE, MISSING_VALUE or UNKNOWN_DEVICE
-- Event time  ts of the event, epoch milliseconds, as the device reported it. No watermark: the time may be what is wrong
-- Changelog   upsert: UNKNOWN_DEVICE is taken back by a tombstone when the row of the device comes shortly after
-- Retention   delete-compact, 7 days, as the events it is about
CREATE TABLE IF NOT EXISTS hc_fct_device_events_dq (
  event_id STRING NOT NULL,
  reason STRING NOT NULL,
  device_id STRING NOT NULL,
  patient_id STRING NOT NULL,
  event_type STRING NOT NULL,
  ts BIGINT NOT NULL,
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
