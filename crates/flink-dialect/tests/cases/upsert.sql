CREATE TABLE IF NOT EXISTS t (
  id STRING NOT NULL, -- a comment; with a semicolon
  n DECIMAL(10,2) COMMENT 'it''s a number',
  at TIMESTAMP_LTZ(3),
  PRIMARY KEY (id) NOT ENFORCED
) COMMENT 'a table' DISTRIBUTED BY HASH(id) INTO 2 BUCKETS WITH (
  'changelog.mode' = 'upsert', 'kafka.cleanup-policy' = 'delete-compact', 'kafka.retention.time' = '7 d',
  'kafka.producer.compression.type' = 'snappy', 'kafka.max-message-size' = '2 mb', 'kafka.retention.size' = '0',
  'scan.startup.mode' = 'latest-offset', 'key.avro-registry.schema-context' = '.flink-dev'
);
