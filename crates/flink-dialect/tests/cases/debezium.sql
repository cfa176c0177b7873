CREATE TABLE `healthcare.public.prescriptions` (id STRING NOT NULL, parameters STRING, PRIMARY KEY (id) NOT ENFORCED)
DISTRIBUTED BY HASH(id) INTO 3 BUCKETS
WITH ('changelog.mode' = 'retract', 'key.format' = 'avro-registry', 'value.format' = 'avro-debezium-registry', 'value.fields-include' = 'all');
CREATE TABLE appended (id STRING) WITH ('changelog.mode' = 'append', 'value.format' = 'avro-debezium-registry')
