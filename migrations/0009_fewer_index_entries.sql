-- depends: 0007_jobs_and_prices

-- Every change of a call's state makes a new entry in each index of `calls`, every claim in those of `call_tasks`:
-- what an index that is there already can answer needs none of its own.

-- Nobody asks it: who settles a call finds its task by its key.
DROP INDEX call_tasks_in_progress;

-- Attempts that don't count are NULL, and as many as there may be: it finds the calls of a task, too.
DROP INDEX calls_attempt;
DROP INDEX calls_task;
CREATE UNIQUE INDEX calls_attempt ON calls (task_id, (CASE WHEN counts THEN attempt END));

-- Claimed ones have not begun.
DROP INDEX calls_trunk_begun;
CREATE INDEX calls_trunk_begun ON calls (trunk, dialing_at) WHERE dialing_at IS NOT NULL;
