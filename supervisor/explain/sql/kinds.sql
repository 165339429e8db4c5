-- All tasks, or those whose turn is before one of them, counted by what makes them differ; each kind with where in the
-- order of claiming its first and its last task stand. Numbers differ only where a number's place matters.
, placed AS (
    SELECT *, row_number() OVER (ORDER BY rank, created_at, id) AS place
    FROM facts
    WHERE %(before)s::uuid IS NULL
       OR (rank, created_at, id) < (SELECT -b.priority, b.created_at, b.id FROM call_tasks b WHERE b.id = %(before)s)
          AND status IN ('pending', 'retry')
)
SELECT (array_agg(id ORDER BY place))[1] AS id, number AS phone_number, status, outcome, error, min(since) AS since,
       waits_until, forbidden, NULL AS forbidden_reason, rests_until, NULL::int AS attempts, NULL::int AS max_attempts,
       NULL AS call_state,
       count(*) AS tasks, min(place) AS first_place, max(place) AS last_place,
       (array_agg(id ORDER BY place))[count(*)] AS last_id
FROM (SELECT id, place, status, outcome, since, waits_until, forbidden, rests_until,
             CASE WHEN outcome IS NULL AND status = 'failed' THEN error END AS error,
             CASE WHEN %(by_number)s AND status IN ('pending', 'retry') THEN phone_number END AS number
      FROM placed) AS p
GROUP BY number, status, outcome, error, waits_until, forbidden, rests_until
