-- Group: Topics of others
-- Construct: enums, `fixed`, unions of several types, recursive types, in the subject of a topic
-- Here: refused by name: open-source Flink reads an Avro record only by a schema that it derives from columns
SELECT 1;
