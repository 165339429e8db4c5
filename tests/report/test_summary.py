from __future__ import annotations

import psycopg

from supervisor.report.summary import as_json, read_summaries


def test_none(dsn: str) -> None:
    with psycopg.connect(dsn) as c:
        assert as_json(read_summaries(c)) == {"campaigns": []}
