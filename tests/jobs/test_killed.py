"""The real service, killed in the middle of a job and started again."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from uuid import UUID

from actors.jobs.kinds import JobType
from actors.jobs.listing import JobRow
from supervisor.simulator import SimulatorThread
from tests.acceptance.running import Running
from tests.jobs.office import Office
from tests.waiting import wait_until
from tests.world import KEY, SECRET, as_service

_SERVICE = """
[database]
dsn = {dsn}
[livekit]
url = "{livekit}"
[http]
listen = "127.0.0.1:0"
[jobs]
batch_size = 3
pause_s = 0.05
"""
LEADS = 240


def test_a_killed_service_goes_on_with_its_job_and_does_nothing_twice(
    office: Office, dsn: str, livekit: SimulatorThread, tmp_path: Path
) -> None:
    (tmp_path / "campaigns.d").mkdir()
    config = tmp_path / "campaignd.toml"
    config.write_text(_SERVICE.format(dsn=json.dumps(as_service(dsn)), livekit=livekit.url))
    environment = os.environ | {"LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
    numbers = office.leads(LEADS)
    campaign = office.campaign(office.acme, status="draft")
    submitted = office.submit(JobType.ENQUEUE_OUTBOUND_CALLS, campaign_id=campaign)

    with Running("run", "--config", config, env=environment) as service:
        wait_until(lambda: office.job(submitted.id).done > 0, 60, "the job to begin")
        os.kill(service.pid, signal.SIGKILL)
        service.end()
    killed = office.job(submitted.id)
    assert killed.status == "running" and 0 < killed.done < LEADS
    assert office.counters(campaign) == (killed.done, 0, 0), "what is done and what it counts are one transaction"

    with Running("run", "--config", config, env=environment):
        done = wait_until(lambda: _completed(office, submitted.id), 60, "the job to be completed")
    assert (done.done, done.result) == (LEADS, {"created": LEADS})
    assert office.counters(campaign) == (LEADS, 0, 0)
    tasks = office.read("SELECT phone_number FROM call_tasks ORDER BY created_at")
    assert [task["phone_number"] for task in tasks] == numbers


def _completed(office: Office, job_id: UUID) -> JobRow | None:
    row = office.job(job_id)
    assert row.status != "failed", row.error_message
    return row if row.status == "completed" else None
