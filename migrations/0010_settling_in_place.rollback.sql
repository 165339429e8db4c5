ALTER TABLE calls ADD FOREIGN KEY (campaign_id) REFERENCES campaigns, ADD FOREIGN KEY (company_id) REFERENCES companies;
DROP INDEX call_tasks_waiting;
CREATE INDEX call_tasks_waiting ON call_tasks (campaign_id, next_attempt_at)
    WHERE status IN ('pending', 'retry') AND NOT due;
DROP INDEX call_tasks_claimable;
CREATE INDEX call_tasks_claimable ON call_tasks (campaign_id, (-priority), created_at)
    WHERE due AND status IN ('pending', 'retry');
