-- These tasks can't be called now: each waits for its own time, and stands in nobody's way until then.
UPDATE call_tasks t SET due = false, next_attempt_at = d.until
FROM unnest(%(task_ids)s::uuid[], %(until)s::timestamptz[]) AS d (id, until)
WHERE t.id = d.id AND t.status IN ('pending', 'retry')
