DROP TABLE applied_configurations;
