-- Campaigns by what they ask of whoever looks: those that call or should first, those that are over last. The counters
-- of campaigns are settled with their tasks: nothing is counted here.
SELECT p.id, p.slug, p.name, o.slug AS company, p.status, p.status_message, p.status_error,
    p.total_tasks AS total, p.completed_tasks AS completed, p.failed_tasks AS failed,
    p.max_concurrent_calls, p.calls_per_minute, p.max_abandon_rate::float,
    ARRAY(SELECT h.hold::text FROM campaign_holds AS h WHERE h.campaign_id = p.id ORDER BY h.created_at, h.hold) AS holds
FROM campaigns AS p
JOIN companies AS o ON o.id = p.company_id
ORDER BY array_position(ARRAY['running', 'paused', 'failed', 'draft', 'completed'], p.status::text),
    CASE WHEN p.status IN ('failed', 'draft', 'completed') THEN p.updated_at END DESC, o.slug, p.name, p.id
LIMIT %(most_campaigns)s
