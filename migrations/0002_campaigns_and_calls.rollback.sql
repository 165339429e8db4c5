ALTER TABLE call_tasks DROP CONSTRAINT call_tasks_call_id_fkey;
DROP TABLE calls, call_tasks, campaign_status_history, campaign_holds, campaigns;
DROP FUNCTION notify_tasks_added(), notify_campaign_changed(), notify_campaign_row_changed();
