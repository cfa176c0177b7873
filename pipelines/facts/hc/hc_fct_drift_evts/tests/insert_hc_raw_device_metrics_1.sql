INSERT INTO hc_raw_device_metrics_ut VALUES
  ('DEV-UT-1', 'P-UT-1', 1000, 'Pressure', 10.0, '1.0'),
  ('DEV-UT-1', 'P-UT-1', 2000, 'Pressure', 10.3, '1.0'),
  ('DEV-UT-1', 'P-UT-1', 3000, 'Pressure', 12.0, '1.0'),
  ('DEV-UT-1', 'P-UT-1', 4000, 'Pressure', 8.5, '1.0'),
  ('DEV-UT-1', 'P-UT-1', 5000, 'Pressure', 12.0, '1.0'),
  ('DEV-UT-1', 'P-UT-1', 4500, 'FlowRate', 99.0, '1.0');
