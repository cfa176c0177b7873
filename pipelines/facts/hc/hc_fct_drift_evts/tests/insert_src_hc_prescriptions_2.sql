INSERT INTO src_hc_prescriptions_ut VALUES
  ('RX-UT-2', 'Pressure', 'P-UT-2', 'DEV-UT-2', 12.0, 0.5, 1000, CAST(NULL AS BIGINT));
