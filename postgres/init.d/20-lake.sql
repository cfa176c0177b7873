-- The catalog of the lake: which metadata file is the newest of each Iceberg table. Iceberg makes its tables itself.
CREATE ROLE lake LOGIN PASSWORD 'lake';

CREATE DATABASE lake OWNER lake;
