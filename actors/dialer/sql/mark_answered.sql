-- Someone took the call, under the lease by which it was claimed. Where its campaign has its calls recorded, the
-- recording is expected from now on; the answer says whether that is new. No row: the call has ended, or is not ours now.
WITH answered AS (
    UPDATE calls
    SET state = 'answered', answered_at = %(at)s, sip_call_id = coalesce(%(sip)s, sip_call_id),
        agent_joined_at = coalesce(%(agent)s, agent_joined_at)
    WHERE id = %(call)s AND (state = 'dialing' OR state = 'answered' AND answered_at = %(at)s)
      AND EXISTS (SELECT FROM campaign_leases l WHERE l.campaign_id = calls.campaign_id AND l.epoch = %(epoch)s
                  AND l.expires_at > clock_timestamp() FOR SHARE)
    RETURNING id, company_id, campaign_id
), expected AS (
    INSERT INTO recordings (id, call_id, company_id, next_attempt_at, created_at, updated_at)
    SELECT %(recording)s, a.id, a.company_id, %(look_at)s, %(at)s, %(at)s
    FROM answered a JOIN campaigns c ON c.id = a.campaign_id WHERE c.recording_enabled
    ON CONFLICT (call_id) DO NOTHING RETURNING call_id
)
SELECT EXISTS (SELECT FROM expected) FROM answered
