"""How long the census takes over lists of millions: the count of tasks that `campaignd_tasks` shows.

Run by hand: `python tests/measurements/census.py [ROWS]`, with an embedded PostgreSQL of its own. It is counted beside
calling, in a thread of its own, and for at most 1 % of the time: `actors.campaign.census`.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from actors.campaign.census import SHARE, read_census  # noqa: E402
from supervisor.database.account import temporary_folder  # noqa: E402
from supervisor.database.embedded import EmbeddedPostgres  # noqa: E402
from supervisor.database.migrations import migrate  # noqa: E402
from tests.campaign.book import MINUTE, Book  # noqa: E402
from tests.world import TUESDAY  # noqa: E402

LATER = TUESDAY + 30 * MINUTE
_MIXES = {
    "all pending": "true",
    "half of them wait for a retry": "n %% 2 = 0",
    "all wait for a retry": "false",
    "all retries are due": "false",
}
_TASKS = """
INSERT INTO call_tasks (id, campaign_id, phone_number, priority, status, due, next_attempt_at, attempt_count,
                        created_at, updated_at)
SELECT gen_random_uuid(), %(campaign)s, '+79' || n, 0, CASE WHEN {pending} THEN 'pending' ELSE 'retry' END,
       {pending} OR %(due)s, CASE WHEN NOT ({pending}) AND NOT %(due)s THEN %(later)s::timestamptz END,
       1, %(now)s + n * interval '1 us', %(now)s
FROM generate_series(1, %(count)s) n"""


def fill(book: Book, mix: str, campaigns: int, rows: int) -> None:
    """So many campaigns with so many tasks in all."""
    company = book.company()
    for _ in range(campaigns):
        campaign = book.campaign(company)
        values = {"campaign": campaign, "due": mix.endswith("due"), "later": LATER, "now": TUESDAY}
        book.connection.execute(_TASKS.format(pending=_MIXES[mix]), {**values, "count": rows // campaigns})  # type: ignore[arg-type]
        book.connection.execute("UPDATE campaigns SET total_tasks = %s WHERE id = %s", (rows // campaigns, campaign))
    book.connection.execute("VACUUM ANALYZE call_tasks")


def main(rows: int) -> None:
    """Print a row for each mix of statuses."""
    with temporary_folder() as folder, EmbeddedPostgres(folder / "postgres", {"fsync": "off"}) as server:
        migrate(server.dsn)
        for mix, campaigns in [*((mix, 1) for mix in _MIXES), ("half of them wait for a retry", 500)]:
            book = Book(server.dsn)
            fill(book, mix, campaigns, rows)
            times = []
            for _ in range(7):
                began = time.perf_counter()
                (counted, *_) = read_census(book.connection, book.supervisor, TUESDAY).values()
                times.append(time.perf_counter() - began)
            took = statistics.median(times)
            print(
                f"{rows} tasks, {campaigns} campaigns, {mix}: {took * 1000:.1f} ms, so every"
                f" {max(15.0, took / SHARE):.0f} s; {dict(counted.by_status)}",
                flush=True,
            )
            book.connection.execute("TRUNCATE call_tasks, calls, campaign_leases CASCADE")
            book.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
