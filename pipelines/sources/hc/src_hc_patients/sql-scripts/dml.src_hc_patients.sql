-- Takes the captured row, without what only Postgres needs.
--
-- Reads       healthcare.public.patients, the change topic of the Postgres table
-- Dates       the change topic has days since 1970-01-01; here they are text as in the API, such as 1980-05-15
-- Duplicates  a change that is delivered twice writes the same row twice
-- State       none
INSERT INTO src_hc_patients
WITH patients AS (
  SELECT
    patient_id,
    name,
    gender,
    birth_date,
    zip_code,
    timezone
  FROM `healthcare.public.patients`
)

SELECT
  patient_id,
  name,
  gender,
  CAST(TIMESTAMPADD(DAY, birth_date, DATE '1970-01-01') AS STRING) AS birth_date,
  zip_code,
  timezone
FROM patients;
