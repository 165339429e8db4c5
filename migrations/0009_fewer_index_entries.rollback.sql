DROP INDEX calls_trunk_begun;
CREATE INDEX calls_trunk_begun ON calls (trunk, dialing_at);
DROP INDEX calls_attempt;
CREATE UNIQUE INDEX calls_attempt ON calls (task_id, attempt) WHERE counts;
CREATE INDEX calls_task ON calls (task_id);
CREATE INDEX call_tasks_in_progress ON call_tasks (id) WHERE status = 'in_progress';
