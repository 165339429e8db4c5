-- Every trunk that calls were begun through: a step of the index for each, however many calls there are.
WITH RECURSIVE trunks AS (
    SELECT min(trunk) AS trunk FROM calls WHERE dialing_at IS NOT NULL
    UNION ALL
    SELECT (SELECT min(c.trunk) FROM calls AS c WHERE c.trunk > t.trunk AND c.dialing_at IS NOT NULL)
    FROM trunks AS t
    WHERE t.trunk IS NOT NULL
)
SELECT trunk::text FROM trunks WHERE trunk IS NOT NULL
