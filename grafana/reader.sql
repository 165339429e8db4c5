-- The role of Grafana's data source: it reads what the tables of the dashboard Campaign show, and nothing by which a
-- person could be known. Run by a superuser, once and after every migration that adds to what is shown:
--     psql campaignd -f grafana/reader.sql
--     psql campaignd -c '\password campaignd_reader'
DO $$ BEGIN
    CREATE ROLE campaignd_reader LOGIN;
EXCEPTION WHEN duplicate_object THEN NULL;
END $$;
ALTER ROLE campaignd_reader SET default_transaction_read_only = on;
-- A dashboard that is left open must not wear the database out.
ALTER ROLE campaignd_reader SET statement_timeout = '15s';
GRANT USAGE ON SCHEMA public TO campaignd_reader;
GRANT SELECT (id, slug, name, timezone, total_tasks, completed_tasks, failed_tasks) ON campaigns TO campaignd_reader;
GRANT SELECT (id, campaign_id, status, attempt_count) ON call_tasks TO campaignd_reader;
GRANT SELECT (id, campaign_id, state, outcome, sip_status_code, error_message, answered_at, ended_at)
    ON calls TO campaignd_reader;
GRANT SELECT (call_id, amount, currency) ON receipts TO campaignd_reader;
GRANT SELECT (id, campaign_id, from_status, to_status, reason, error, created_at)
    ON campaign_status_history TO campaignd_reader;
