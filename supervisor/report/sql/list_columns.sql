-- The columns that the chosen campaigns' lists had beside the number, the name and the priority.
SELECT DISTINCT key
FROM call_tasks AS t,
    jsonb_object_keys(CASE WHEN jsonb_typeof(t.contact_data) = 'object' THEN t.contact_data ELSE '{}' END) AS key
WHERE t.campaign_id = ANY (%(campaign_ids)s::uuid[])
ORDER BY key
