-- How calls ended, by the hour (UTC) in which they were begun.
SELECT date_bin('1 hour', c.dialing_at, 'epoch') AS start, c.outcome, count(*) AS calls
FROM calls AS c
WHERE c.trunk = ANY (%(trunks)s) AND c.dialing_at >= %(since)s AND c.dialing_at < %(until)s
    AND c.state = 'ended'
GROUP BY 1, 2
