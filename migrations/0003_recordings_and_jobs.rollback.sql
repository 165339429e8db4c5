DROP TABLE background_jobs, receipts, recordings;
