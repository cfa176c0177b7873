-- Group: Topics of others
-- Construct: a change topic of Debezium
-- Here: inferred with the columns of the captured row, the key as primary key, and `avro-debezium-registry`; without a key refused
CREATE TABLE copies (prescription_id STRING NOT NULL, end_date BIGINT, PRIMARY KEY (prescription_id) NOT ENFORCED);
INSERT INTO copies SELECT prescription_id, end_date FROM `healthcare.public.prescriptions`;
