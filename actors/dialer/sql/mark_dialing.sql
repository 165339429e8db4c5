-- A call's dial request is about to leave: whatever is killed after this, it is known that the phone may have rung.
-- Only a call that is claimed is marked, or that was by this dialer, which does not know of it; whose campaign may still
-- call, or is probed and held by nothing else; whose number is not on do-not-call by now; and under the lease by which
-- it was claimed, which stays ours until this is committed. Where other processes may dial through the same trunk, room
-- for it there must have been seen to.
UPDATE calls SET state = 'dialing', dialing_at = %(now)s
WHERE id = %(call)s
  AND (state = 'claimed' OR state = 'dialing' AND dialing_at = ANY(%(earlier)s))
  AND EXISTS (SELECT FROM campaigns c WHERE c.id = calls.campaign_id
              AND (c.status = 'running' OR c.status = 'paused' AND %(probe)s::text IS NOT NULL
                   AND %(probe)s = ALL (SELECT h.hold FROM campaign_holds h WHERE h.campaign_id = c.id)))
  AND NOT EXISTS (SELECT FROM do_not_call d WHERE d.phone_number = calls.phone_number
                  AND (d.company_id IS NULL OR d.company_id = calls.company_id))
  AND EXISTS (SELECT FROM campaign_leases l WHERE l.campaign_id = calls.campaign_id AND l.epoch = %(epoch)s
              AND l.expires_at > clock_timestamp() FOR SHARE)
  AND (%(room_is_seen_to)s OR NOT EXISTS (SELECT FROM supervisors HAVING count(*) > 1))
