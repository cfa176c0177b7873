-- Places at which a device was outside of its geofence.
--
-- Grain       one GPS event; key event_id. A place inside is no row
-- Fence       a circle around the location in the row of the device
-- Event time  ts of the event, epoch milliseconds. No watermark: an alert depends on no other event
-- Changelog   upsert: a corrected location replaces the alerts of the last minutes, or takes them back by tombstones
-- Retention   delete-compact, 7 days, as the events it is about
CREATE TABLE IF NOT EXISTS hc_fct_geofence_alerts (
  event_id STRING NOT NULL,
  device_id STRING NOT NULL,
  patient_id STRING NOT NULL,
  ts BIGINT NOT NULL,
  lat DOUBLE NOT NULL,
  lng DOUBLE NOT NULL,
  center_lat DOUBLE NOT NULL,
  center_lng DOUBLE NOT NULL,
  distance_m DOUBLE NOT NULL,
  radius_m DOUBLE NOT NULL,
  PRIMARY KEY (event_id) NOT ENFORCED
) DISTRIBUTED BY HASH(event_id) INTO 3 BUCKETS
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
