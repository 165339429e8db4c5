-- Locks the company's row, so that claims of its campaigns, by whatever process, follow one another. Counting is a
-- statement of its own, after the lock: one statement would count by a snapshot from before it.
SELECT max_concurrent_calls, max_attempts_per_day FROM companies WHERE id = %(company)s FOR NO KEY UPDATE
