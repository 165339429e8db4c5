-- How many campaigns there are in each status.
SELECT status, count(*) AS campaigns FROM campaigns GROUP BY status
