-- depends: 0009_fewer_index_entries

-- A settled task stays where it is: settling changes no column that an index knows, so that PostgreSQL writes the row
-- anew in its own page and no index entry with it. For that a task's call is written when it is claimed, and what is
-- claimable or waiting is known by `due` and `next_attempt_at` alone: whatever is in progress or settled has neither.

DROP INDEX call_tasks_claimable;
CREATE INDEX call_tasks_claimable ON call_tasks (campaign_id, (-priority), created_at) WHERE due;
DROP INDEX call_tasks_waiting;
CREATE INDEX call_tasks_waiting ON call_tasks (campaign_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL AND NOT due;

UPDATE call_tasks t SET call_id = c.id FROM calls c
WHERE c.task_id = t.id AND c.state IN ('claimed', 'dialing', 'answered');

-- A call's task is there, and with it their campaign and its company: to ask for those too, call by call, adds nothing.
ALTER TABLE calls DROP CONSTRAINT calls_campaign_id_fkey, DROP CONSTRAINT calls_company_id_fkey;
