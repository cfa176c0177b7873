-- Group: Queries
-- Construct: a query with updates (`GROUP BY`, ...) into an append table
-- Here: refused by Flink, as on Confluent Cloud: give the table a primary key
-- Flink refuses: doesn't support consuming update changes
CREATE TABLE readings (device STRING, v DOUBLE);
CREATE TABLE totals (device STRING, n BIGINT);
INSERT INTO totals SELECT device, COUNT(*) FROM readings GROUP BY device;
