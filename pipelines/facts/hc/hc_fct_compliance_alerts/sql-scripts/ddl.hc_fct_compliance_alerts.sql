-- Devices that do not give what is prescribed, for so long that somebody should look.
--
-- Grain       one episode out of range that lasts 5 minutes at least; key (device_id, metric_name, episode_start).
--             episode_start is the time of the first reading out of range
-- Event time  episode_start, raised_at and recovered_at are times of readings, epoch milliseconds. raised_at is the
--             first reading that is 5 minutes after the start, or more; recovered_at the first one that is in range
--             again, or that no prescription covers any more
-- Changelog   upsert: an episode is written when it is raised, and once more when it has recovered. Until then
--             recovered_at and duration_ms are NULL. A row says what was known: a correction does not change it
-- Retention   delete-compact, 7 days, as the readings it is about
CREATE TABLE IF NOT EXISTS hc_fct_compliance_alerts (
  device_id STRING NOT NULL,
  metric_name STRING NOT NULL,
  episode_start BIGINT NOT NULL,
  patient_id STRING NOT NULL,
  prescription_id STRING NOT NULL,
  prescribed_value DOUBLE NOT NULL,
  tolerance DOUBLE NOT NULL,
  `last_value` DOUBLE NOT NULL,
  status STRING NOT NULL,
  raised_at BIGINT NOT NULL,
  recovered_at BIGINT,
  duration_ms BIGINT,
  message STRING NOT NULL,
  PRIMARY KEY (device_id, metric_name, episode_start) NOT ENFORCED
) DISTRIBUTED BY HASH(device_id, metric_name, episode_start) INTO 3 BUCKETS
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
