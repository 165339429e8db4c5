-- Whether one call more may begin through this trunk, over all processes. A limit that is not given leaves room; a
-- window holds both of its ends.
SELECT coalesce(%(concurrent)s::int > (SELECT count(*) FROM calls WHERE trunk = %(trunk)s AND id <> %(call)s
                                       AND state IN ('dialing', 'answered')), true)
   AND coalesce(%(per_minute)s::int > (SELECT count(*) FROM calls WHERE trunk = %(trunk)s AND id <> %(call)s
                                       AND dialing_at >= %(now)s::timestamptz - %(minute)s::interval), true)
   AND coalesce(%(per_second)s::int > (SELECT count(*) FROM calls WHERE trunk = %(trunk)s AND id <> %(call)s
                                       AND dialing_at >= %(now)s::timestamptz - interval '1 s'), true)
