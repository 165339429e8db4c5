"""What was learned of each trunk's pace, in PostgreSQL: the next process need not learn it by new refusals."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import Connection

from actors.trunk.pace import NOTHING, Learned, PaceLearned


def read_pace(connection: Connection, trunk: str) -> PaceLearned:
    """What was learned of this trunk, by whichever process."""
    return read_paces(connection, [trunk])[trunk]


def read_paces(connection: Connection, trunks: Iterable[str]) -> dict[str, PaceLearned]:
    """The same of each of these trunks."""
    learned = dict.fromkeys(trunks, NOTHING)
    rows = connection.execute(
        "SELECT trunk, calls_per_minute::float, too_fast_at, max_concurrent_calls::float, too_many_at"
        " FROM trunk_paces WHERE trunk = ANY (%s)",
        (list(learned),),
    )
    for trunk, per_minute, too_fast_at, concurrent, too_many_at in rows:
        learned[trunk] = PaceLearned(
            None if per_minute is None else Learned(per_minute, too_fast_at),
            None if concurrent is None else Learned(concurrent, too_many_at),
        )
    return learned


def write_pace(connection: Connection, trunk: str, learned: PaceLearned) -> None:
    """Keep what was learned; of two processes, of each limit what was learned last."""
    rate, calls = learned.per_minute, learned.concurrent
    connection.execute(
        """
        INSERT INTO trunk_paces AS known (trunk, calls_per_minute, too_fast_at, max_concurrent_calls, too_many_at)
        VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (trunk) DO UPDATE SET
            (calls_per_minute, too_fast_at) = (
                SELECT one.calls_per_minute, one.too_fast_at FROM (VALUES
                    (excluded.calls_per_minute, excluded.too_fast_at), (known.calls_per_minute, known.too_fast_at)
                ) AS one (calls_per_minute, too_fast_at) ORDER BY one.too_fast_at DESC NULLS LAST LIMIT 1),
            (max_concurrent_calls, too_many_at) = (
                SELECT one.max_concurrent_calls, one.too_many_at FROM (VALUES
                    (excluded.max_concurrent_calls, excluded.too_many_at),
                    (known.max_concurrent_calls, known.too_many_at)
                ) AS one (max_concurrent_calls, too_many_at) ORDER BY one.too_many_at DESC NULLS LAST LIMIT 1)
        """,
        (
            trunk,
            None if rate is None else rate.limit,
            None if rate is None else rate.refused_at,
            None if calls is None else calls.limit,
            None if calls is None else calls.refused_at,
        ),
    )
