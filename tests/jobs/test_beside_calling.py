"""Jobs beside calling: what a batch holds, nobody who calls waits for. How long a freed slot waits for its next dial is
measured by tests/measurements/jobs.py."""

from __future__ import annotations

from actors.campaign import ledger as campaign_ledger
from actors.ids import new_id
from actors.jobs.kinds import JobType
from actors.jobs.listing import read_jobs
from actors.jobs.submitting import Request, Selection, submit
from supervisor.simulator import Answer
from tests.campaign.book import COMPLETED, result
from tests.jobs.office import Office
from tests.waiting import wait_until
from tests.world import TUESDAY, World


def test_claims_and_settlements_wait_for_no_batch(office: Office) -> None:
    erased = office.leads(10)
    other, running = office.campaign(office.acme), office.campaign(office.acme)
    for number in erased:
        office.task(other, phone_number=number)
    for _ in range(3):
        office.task(running)
        office.task(other)
    (before,) = office.claim(running, 1)
    office.submit(JobType.DELETE_LEADS)
    owner = office.process()
    job = office.claim_job(owner)
    assert job is not None

    impatient = office.connect()
    impatient.execute("SET lock_timeout = '1s'")
    with office.connection.transaction():
        assert office.batch(job, owner) == (10, 0)
        # Not committed yet: as long as a batch can be.
        row = campaign_ledger.read_campaign(impatient, running, office.supervisor)
        campaign_ledger.settle(impatient, row, [(result(before), COMPLETED)], TUESDAY)
        assert len(office.claim(running, 2, connection=impatient)) == 2
        assert len(office.claim(other, 5, connection=impatient)) == 3, "nor do those whose contacts are being erased"
    assert office.counters(running) == (3, 1, 0)
    assert office.counters(other) == (13, 0, 10)


def test_calls_begin_while_a_job_is_at_work(fast_world: World) -> None:
    numbers = [f"+79450{n // 60:03d}{n % 60:03d}" for n in range(600)]
    fast_world.limit(company="[jobs]\nbatch_size = 1")
    fast_world.campaign("spring", numbers, "[limits]\nmax_concurrent_calls = 5")
    fast_world.livekit.set_script({number: [Answer(ring_s=1, talk_s=5)] for number in numbers})
    fast_world.start()
    (company,) = fast_world.read("SELECT id FROM companies")
    with fast_world.connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO leads (id, company_id, phone_number, source, created_at, updated_at)"
            " VALUES (%s, %s, %s, 'imported', %s, %s)",
            [(new_id(), company["id"], f"+7946{n:07d}", TUESDAY, TUESDAY) for n in range(150)],
        )
    wait_until(lambda: len(fast_world.calls("spring")) > 5)
    request = Request(JobType.DELETE_LEADS, company["id"], Selection())
    made = submit(fast_world.connection, request, fast_world.clock.now())
    wait_until(lambda: not read_jobs(fast_world.connection, job_id=made.id)[0].is_open, 60)
    (job,) = read_jobs(fast_world.connection, job_id=made.id)
    assert (job.status, job.done) == ("completed", 150)
    begun = [call["dialing_at"] for call in fast_world.calls("spring") if call["dialing_at"]]
    assert len([moment for moment in begun if job.created_at <= moment <= job.updated_at]) >= 5
