-- By how much the number of calls in progress changed within each minute of the last hour; NULL stands for before, with all
-- that were up when it began. Calls are missing that were longer than the longest looked for, and have ended since.
WITH up AS (
    SELECT c.dialing_at, c.ended_at
    FROM calls AS c
    WHERE c.trunk = ANY (%(trunks)s) AND c.dialing_at > %(since)s::timestamptz - %(longest)s
        AND c.state = 'ended' AND c.ended_at > %(since)s
    UNION ALL
    SELECT dialing_at, NULL FROM calls WHERE state IN ('claimed', 'dialing', 'answered') AND dialing_at IS NOT NULL
)
SELECT minute, sum(change)::int AS change
FROM (
    SELECT CASE WHEN dialing_at > %(since)s THEN date_bin('1 minute', dialing_at, %(since)s) END AS minute, 1 AS change
    FROM up
    UNION ALL
    SELECT date_bin('1 minute', ended_at, %(since)s), -1 FROM up WHERE ended_at IS NOT NULL
) AS changes
GROUP BY minute
