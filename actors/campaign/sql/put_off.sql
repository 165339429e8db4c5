-- Which of these campaigns have contacts that `reconsider` would look at anew.
SELECT w.campaign FROM unnest(%(campaigns)s::uuid[]) AS w (campaign)
WHERE EXISTS (SELECT FROM call_tasks WHERE campaign_id = w.campaign AND status = 'pending' AND NOT due
              AND next_attempt_at IS NOT NULL AND NOT withdrawn)
