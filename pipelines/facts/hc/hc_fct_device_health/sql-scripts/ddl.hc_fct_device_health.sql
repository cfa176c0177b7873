-- Hours in which a device's readings point to a cause, with the evidence.
--
-- Grain       one hour of event time of one device and one cause; key (device_id, window_start, cause). An hour has one
--             cause at most, and none is no row
-- Cause       mask_leak, patient_condition, mechanical_wear or clogged_filter
-- Event time  window_start and window_end, epoch milliseconds. No watermark: nothing is computed from this table by
--             event time
-- Changelog   upsert: hours that ended just now are judged again when the settings of their device change
-- Retention   delete-compact, 7 days, as the readings it is about
--
-- patient_id                              who wore the device; NULL when the hour's readings name more than one
-- pressure, flow_rate, flow_level         means of the hour, in the unit of the metric, each reading counted once
-- *_change                                distance of the mean from the setting, as a share of the setting
-- pressure_min, pressure_max              lowest and highest reading of the hour
-- pressure_before                         mean three hours earlier; NULL unless all hours since then have readings
-- pressure_between                        mean of the two hours between
-- *_readings                              how many readings the means are made of
CREATE TABLE IF NOT EXISTS hc_fct_device_health (
  device_id STRING NOT NULL,
  window_start BIGINT NOT NULL,
  cause STRING NOT NULL,
  window_end BIGINT NOT NULL,
  patient_id STRING,
  pressure DOUBLE NOT NULL,
  flow_rate DOUBLE NOT NULL,
  flow_level DOUBLE,
  pressure_change DOUBLE NOT NULL,
  flow_rate_change DOUBLE NOT NULL,
  flow_level_change DOUBLE,
  pressure_min DOUBLE NOT NULL,
  pressure_max DOUBLE NOT NULL,
  pressure_before DOUBLE,
  pressure_between DOUBLE,
  pressure_readings BIGINT NOT NULL,
  flow_rate_readings BIGINT NOT NULL,
  flow_level_readings BIGINT NOT NULL,
  PRIMARY KEY (device_id, window_start, cause) NOT ENFORCED
) DISTRIBUTED BY HASH(device_id, window_start, cause) INTO 3 BUCKETS
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
