-- Group: Topics of others
-- Construct: a topic with Avro subjects: nested records, arrays, maps, logical types, unions with null
-- Here: inferred when a statement first names it: an append table, the fields of the key first
SELECT device_id, reading.unit, tags['room'], history[1].v FROM `devices.readings`;
INSERT INTO `devices.readings` SELECT * FROM `devices.readings`;
