INSERT INTO src_hc_prescriptions_ut VALUES
  ('RX-UT-1', 'Pressure', 'P-UT-1', 'DEV-UT-1', 10.0, 0.3, 1000, 5000);
