-- The numbers of these tasks.
SELECT id, phone_number FROM call_tasks WHERE id = ANY(%(tasks)s)
