-- Roles, databases and settings only: tables come from `hc-api migrate`.
-- Runs once, as the superuser, on an empty server: by hc-platform, or mounted as /docker-entrypoint-initdb.d (leave
-- POSTGRES_USER at its default there, since `demo` is made here). Each statement ends at the end of a line.

-- REPLICATION for Debezium's slot, CREATEDB for the tests, which take a database each.
CREATE ROLE demo LOGIN REPLICATION CREATEDB PASSWORD 'demo';

CREATE DATABASE healthcare OWNER demo;

-- The schema registry keeps its schemas beside the data they describe, so that the two are lost or kept together.
CREATE ROLE registry LOGIN PASSWORD 'registry';

CREATE DATABASE registry OWNER registry;
