"""How long a freed slot waits for its next dial, alone and while a job erases 100,000 people.

Run by hand: `python tests/measurements/jobs.py [LEADS [SECONDS]]`, with an embedded PostgreSQL of its own that syncs as
in production, and the real service against the simulated LiveKit. Campaigns that may have few calls at a time call
without end; from the settlement of each call to the next dial is what is measured. The people are leads and contacts of
a campaign as well, so that tasks are erased too. Measured alone, beside the job, and alone again; issue 6 promises that
the job makes it no worse than 1.5 times.
"""

from __future__ import annotations

import statistics
import sys
import time
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from actors.jobs.kinds import JobType  # noqa: E402
from actors.jobs.listing import read_jobs  # noqa: E402
from actors.jobs.submitting import Request, Submitted, submit  # noqa: E402
from supervisor.clock import SystemClock  # noqa: E402
from supervisor.database.account import temporary_folder  # noqa: E402
from supervisor.database.embedded import EmbeddedPostgres  # noqa: E402
from supervisor.database.migrations import migrate  # noqa: E402
from supervisor.logs import set_up_logs  # noqa: E402
from supervisor.simulator import Answer, SimulatorThread  # noqa: E402
from tests.world import KEY, SECRET, World  # noqa: E402

CAMPAIGNS = 2
AT_ONCE = 5  # calls of each: the nth settlement frees the slot of its dial n + 5
CONTACTS = 4_000  # of each
# Everybody answers their first call: what was written of a task last is its settlement, at which its slot is free.
_GAPS = """
WITH begun AS (
    SELECT campaign_id, dialing_at AS at, row_number() OVER (PARTITION BY campaign_id ORDER BY dialing_at) AS nth
    FROM calls WHERE dialing_at IS NOT NULL
), freed AS (
    SELECT campaign_id, updated_at AS at, row_number() OVER (PARTITION BY campaign_id ORDER BY updated_at) AS nth
    FROM call_tasks WHERE status = 'completed'
)
SELECT extract(epoch FROM b.at - f.at)::float8 * 1000 AS ms
FROM begun b JOIN freed f ON f.campaign_id = b.campaign_id AND f.nth = b.nth - %s
WHERE f.at >= %s AND b.at < %s"""
_PEOPLE = """
INSERT INTO leads (id, company_id, phone_number, name, data, source, created_at, updated_at)
SELECT gen_random_uuid(), c.id, '+7946' || lpad(n::text, 7, '0'), 'Anna', '{"city": "Leeds"}', 'imported', now(), now()
FROM companies c, generate_series(1, %s) n"""
_QUIET = """
INSERT INTO campaigns (id, company_id, skillbase_id, name, trunk, created_at, updated_at, total_tasks)
SELECT gen_random_uuid(), company_id, id, 'Quiet', 'main', now(), now(), %s FROM skillbases RETURNING id"""
_TASKS = """
INSERT INTO call_tasks (id, campaign_id, phone_number, contact_name, created_at, updated_at)
SELECT gen_random_uuid(), %s, phone_number, name, now(), now() FROM leads"""


def measure(world: World, leads: int, seconds: float) -> None:
    lists = [[f"+7945{place:03d}{n:04d}" for n in range(CONTACTS)] for place in range(CAMPAIGNS)]
    world.livekit.set_script({number: [Answer(ring_s=1, talk_s=9)] for numbers in lists for number in numbers})
    for place, numbers in enumerate(lists):
        world.campaign(f"spring{place}", numbers, f"[limits]\nmax_concurrent_calls = {AT_ONCE}")
    world.start()
    world.connection.execute(_PEOPLE, (leads,))
    (quiet,) = world.read(_QUIET, leads)
    world.connection.execute(_TASKS, (quiet["id"],))
    world.connection.execute("VACUUM ANALYZE")
    time.sleep(2)
    alone = watched(world, seconds)
    (company,) = world.read("SELECT id FROM companies")
    submitted = submit(world.connection, Request(JobType.DELETE_LEADS, company["id"]), world.clock.now())
    beside = watched(world, seconds, submitted)
    print(f"the job: {read_jobs(world.connection, job_id=submitted.id)[0].result}")
    again = watched(world, seconds)
    median = statistics.median(statistics.median(gaps) for gaps in (alone, again))
    for name, gaps in (("alone", alone), ("beside the job", beside), ("alone again", again)):
        tenths = statistics.quantiles(gaps, n=20)
        print(f"{name:>15}: {len(gaps)} dials, median {statistics.median(gaps):.1f} ms, p95 {tenths[18]:.1f} ms")
    print(f"{leads:,} people: beside the job {statistics.median(beside) / median:.2f} times as long (median)")


def watched(world: World, seconds: float, job: Submitted | None = None) -> list[float]:
    """The gaps of the next seconds, or for as long as the job takes."""
    since = datetime.now().astimezone()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline if job is None else read_jobs(world.connection, job_id=job.id)[0].is_open:
        time.sleep(0.2)
    until = datetime.now().astimezone()
    if job is not None:
        print(f"the job took {(until - since).total_seconds():.1f} s")
    return [row["ms"] for row in world.read(_GAPS, AT_ONCE, since, until)]


if __name__ == "__main__":
    set_up_logs("warning", "text")
    arguments = [*sys.argv[1:], *["100000", "20"][len(sys.argv) - 1 :]]
    with temporary_folder() as folder, EmbeddedPostgres(folder / "postgresql") as server:
        migrate(server.dsn)
        (folder / "world").mkdir()
        with SimulatorThread(api_key=KEY, api_secret=SECRET, speed=25) as simulator:
            world = World(folder / "world", server.dsn, simulator, SystemClock())
            try:
                measure(world, int(arguments[0]), float(arguments[1]))
            finally:
                world.close()
