-- Every trunk that calls went through: a step of the index for each, however many calls there are.
WITH RECURSIVE trunks AS (
    SELECT min(trunk) AS trunk FROM calls
    UNION ALL
    SELECT (SELECT min(c.trunk) FROM calls AS c WHERE c.trunk > t.trunk) FROM trunks AS t WHERE t.trunk IS NOT NULL
)
SELECT trunk::text FROM trunks WHERE trunk IS NOT NULL
