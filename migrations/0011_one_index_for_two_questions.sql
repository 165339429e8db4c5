-- depends: 0010_settling_in_place

-- Fewer index entries for each claim and each change of a call's state, and one question less to PostgreSQL for each
-- call: what an index or a row that is there already says is not written or asked again.

-- A task is attempted by one call at a time, and the company's and the campaign's calls in progress are found: one
-- index does both, as a task is of one campaign and a campaign of one company.
DROP INDEX calls_unfinished;
DROP INDEX calls_in_progress;
CREATE UNIQUE INDEX calls_in_progress ON calls (company_id, campaign_id, task_id)
    WHERE state IN ('claimed', 'dialing', 'answered');

-- A campaign's calls, and of them a task's; so that those which have not begun need not stand in the next one.
DROP INDEX calls_attempt;
CREATE UNIQUE INDEX calls_attempt ON calls (campaign_id, task_id, (CASE WHEN counts THEN attempt END));
DROP INDEX calls_campaign_begun;
CREATE INDEX calls_campaign_begun ON calls (campaign_id, dialing_at) WHERE dialing_at IS NOT NULL;

-- A claim writes its calls from the tasks that it has just locked and changed: to look for each of them once more, and
-- to lock it once more, adds nothing. That no task goes while it has calls is asked when tasks are deleted, once for all.
ALTER TABLE calls DROP CONSTRAINT calls_task_id_fkey;
CREATE FUNCTION keep_tasks_that_have_calls() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM deleted d JOIN calls c ON c.campaign_id = d.campaign_id AND c.task_id = d.id) THEN
        RAISE foreign_key_violation USING MESSAGE = 'a call task that has calls can''t be deleted without them';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tasks_deleted AFTER DELETE ON call_tasks
    REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION keep_tasks_that_have_calls();
