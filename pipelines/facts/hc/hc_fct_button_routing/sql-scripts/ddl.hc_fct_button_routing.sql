-- Where each press of a device's button goes.
--
-- Grain       one press; key event_id. Every press has exactly one row
-- Route       VERIFICATION, the first press of an assignment, which shows that the button works; EMERGENCY, any other.
--             An assignment is a device and the patient who wears it; with another patient it starts again
-- Event time  ts of the press, epoch milliseconds. No watermark: a press must not wait for the next one
-- Changelog   upsert: an earlier press that arrives late becomes the first one, and the former first an emergency
-- Retention   delete-compact, 7 days, as the events it is about
CREATE TABLE IF NOT EXISTS hc_fct_button_routing (
  event_id STRING NOT NULL,
  device_id STRING NOT NULL,
  patient_id STRING NOT NULL,
  ts BIGINT NOT NULL,
  route STRING NOT NULL,
  first_event_id STRING NOT NULL,
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
