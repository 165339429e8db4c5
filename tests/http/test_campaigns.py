"""Campaigns over HTTP: by the same rules, and with the same words, as from files and the command line."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from supervisor.config.campaign import CampaignFile
from tests.http.site import Site

ACME, RENEWALS, SALES = (str(UUID(f"{n:032}")) for n in (1, 1, 2))
SPRING = {"name": "Spring", "company": "acme", "skillbase": "renewals", "trunk": "main"}


def make(site: Site, **values: Any) -> str:
    """A draft; its id."""
    made: str = site.post("/campaigns", SPRING | values).data["id"]
    return made


def give_list(site: Site, campaign: str, *numbers: str) -> None:
    rows = "\n".join(("phone_number", *numbers))
    answer = site.ask("POST", f"/campaigns/{campaign}/call-list?filename=l.csv", rows.encode(), **site.bearer)
    assert answer.data["created"] == len(numbers)


def set_status(dsn: str, campaign: str, status: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE campaigns SET status = %s WHERE id = %s", (status, campaign))


def mistakes(answer: Any) -> dict[str, str]:
    status, _ = answer.refusal
    assert status == 400
    return {mistake["key"]: mistake["reason"] for mistake in answer.json["details"]}


# Creating


def test_a_campaign_is_created_as_a_draft(full_site: Site) -> None:
    answer = full_site.post(
        "/campaigns",
        {
            **SPRING,
            "description": "Весна",
            "default_region": "RU",
            "limits": {"max_concurrent_calls": 5},
            "schedule": {
                "timezone": "Europe/Moscow",
                "daily_start_time": "09:00",
                "daily_end_time": "21:00",
                "days": ["mon", "tue"],
                "start_time": "2026-12-01T00:00:00+03:00",
            },
            "retry": {"max_retries": 2, "retry_delay_minutes": 0.5, "outcomes": {"busy": 5, "rejected": "never"}},
            "call": {"ringing_timeout_s": 20},
        },
    )
    assert answer.status == 201
    made = answer.data
    assert (made["status"], made["name"], made["company"], made["skillbase"]) == ("DRAFT", "Spring", "acme", "renewals")
    assert (made["slug"], made["holds"], made["status_message"], made["status_error"]) == (None, [], None, None)
    assert (made["total_tasks"], made["completed_tasks"], made["failed_tasks"]) == (0, 0, 0)
    assert (made["limits"]["max_concurrent_calls"], made["limits"]["calls_per_minute"]) == (5, None)
    assert made["schedule"]["days"] == ["mon", "tue"]
    assert made["retry"]["outcomes"] == {"busy": 5, "rejected": "never"}
    assert made["tasks"]["total"] == made["calls"]["total"] == 0
    assert full_site.get(f"/campaigns/{made['id']}").data == made
    listed = full_site.get("/campaigns").data
    assert [campaign["id"] for campaign in listed] == [made["id"]]
    assert listed[0].items() <= made.items()


@pytest.mark.parametrize(
    "owner",
    [
        {"company": ACME, "skillbase": RENEWALS},
        {"company_id": ACME, "skillbase_id": RENEWALS},
        {"company_id": "acme", "skillbase": RENEWALS.upper()},
    ],
)
def test_company_and_skillbase_are_named_by_slug_or_id(full_site: Site, owner: dict[str, str]) -> None:
    made = full_site.post("/campaigns", {"name": "Spring", "trunk": "main", **owner}).data
    assert (made["company"], made["company_id"], made["skillbase_id"]) == ("acme", ACME, RENEWALS)


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"company": "nobody"}, "Company nobody not found"),
        ({"company": SALES.replace("2", "9")}, f"Company {SALES.replace('2', '9')} not found"),
        ({"skillbase": "sales"}, "Skillbase sales not found or doesn't belong to company"),
        ({"skillbase": SALES}, f"Skillbase {SALES} not found or doesn't belong to company"),
        ({"trunk": "mian"}, "unknown trunk: 'mian'; did you mean 'main'? (there are: main, second)"),
    ],
)
def test_what_a_campaign_names_must_be_there(shared_site: Site, changed: dict[str, str], error: str) -> None:
    assert shared_site.post("/campaigns", SPRING | changed).refusal == (400, error)
    assert shared_site.get("/campaigns").data == []


def test_every_mistake_is_told_at_once(shared_site: Site) -> None:
    told = mistakes(
        shared_site.post(
            "/campaigns",
            {
                "name": "",
                "company": "acme",
                "trunk": "main",
                "colour": "red",
                "limits": {"calls_per_minute": 0},
                "schedule": {"daily_start_time": "25:00", "daily_end_time": "21:00", "timezone": "Mars/Base"},
                "retry": {"outcomes": {"answered": 5, "tired": 1}},
            },
        )
    )
    assert told["schedule.daily_start_time"] == "Invalid time format: '25:00' is not HH:MM"
    assert told["schedule.timezone"].startswith("Unknown time zone: 'Mars/Base'")
    assert told["skillbase"] == "required, but not given"
    assert {"name", "colour", "limits.calls_per_minute"} <= told.keys()
    told = mistakes(
        shared_site.post("/campaigns", SPRING | {"company": "x", "trunk": "x", "retry": {"outcomes": {"answered": 5}}})
    )
    assert told.keys() == {"company", "trunk", "retry.outcomes.answered"}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"7", b'{"name": "\\ud800"}', b"[" * 5000, b'{"a": NaN}'])
def test_a_body_that_is_no_json_object_is_refused(shared_site: Site, body: bytes) -> None:
    assert shared_site.post("/campaigns", body).refusal[0] == 400


def test_a_body_of_another_kind_is_refused(shared_site: Site) -> None:
    answer = shared_site.ask("POST", "/campaigns", b"name=Spring", Content_Type="text/plain", **shared_site.bearer)
    assert answer.refusal == (415, "Unsupported media type")


# Looking


def test_a_list_of_campaigns_comes_in_pages_and_by_status_and_company(full_site: Site, dsn: str) -> None:
    made = [make(full_site, name=f"C{n}") for n in range(5)]
    other = make(full_site, company="other", skillbase="sales")
    set_status(dsn, made[0], "completed")

    def ids(query: str) -> list[str]:
        return [campaign["id"] for campaign in full_site.get(f"/campaigns{query}").data]

    assert set(ids("")) == {*made, other}
    assert ids("?status=COMPLETED") == ids("?status=completed") == [made[0]]
    assert ids("?company=other") == ids(f"?company={SALES}") == [other]
    assert ids("?company=nobody") == []
    pages = [full_site.get(f"/campaigns?company=acme&limit=2&offset={offset}") for offset in (0, 2, 4)]
    assert {campaign["id"] for page in pages for campaign in page.data} == set(made)
    assert [page.json["page"]["more"] for page in pages] == [True, True, False]


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("limit=0", {"limit"}),
        ("limit=1001", {"limit"}),
        ("limit=ten&offset=-1", {"limit", "offset"}),
        ("limit=1&limit=2", {"limit"}),
        ("status=SLEEPING", {"status"}),
        ("colour=red", {"colour"}),
        ("company=%00", {"company"}),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(shared_site: Site, query: str, keys: set[str]) -> None:
    assert mistakes(shared_site.get(f"/campaigns?{query}")).keys() == keys


ONE = [("GET", ""), ("DELETE", ""), ("GET", "/jobs"), ("POST", "/start"), ("POST", "/pause"), ("POST", "/resume")]


@pytest.mark.parametrize(("method", "what"), ONE)
def test_a_campaign_that_is_not_there_is_not_found(shared_site: Site, method: str, what: str) -> None:
    unknown = uuid4()
    answer = shared_site.ask(method, f"/campaigns/{unknown}{what}", **shared_site.bearer)
    assert answer.refusal == (404, f"Campaign {unknown} not found")


@pytest.mark.parametrize(("method", "what"), [*ONE, ("POST", "/call-list")])
def test_what_is_no_id_is_refused(site: Site, method: str, what: str) -> None:
    for text in ("spring", "7", "0" * 32, "%F0%9F%93%9E"):
        answer = site.ask(method, f"/campaigns/{text}{what}", **site.bearer)
        assert answer.refusal == (400, "Malformed id"), text


def test_jobs_are_the_call_tasks_in_the_order_of_the_list(full_site: Site, dsn: str) -> None:
    campaign = make(full_site)
    numbers = [f"+7945000{n:04}" for n in (7, 3, 9, 1, 5)]
    give_list(full_site, campaign, *numbers)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "UPDATE call_tasks SET status = 'completed', outcome = 'answered', attempt_count = 1"
            " WHERE phone_number = %s",
            (numbers[1],),
        )
    jobs = full_site.get(f"/campaigns/{campaign}/jobs").data
    assert [job["phone_number"] for job in jobs] == numbers
    assert {job["job_type"] for job in jobs} == {"CALL"}
    assert [job["status"] for job in jobs] == ["PENDING", "COMPLETED", "PENDING", "PENDING", "PENDING"]
    (done,) = full_site.get(f"/campaigns/{campaign}/jobs?status=COMPLETED").data
    assert (done["outcome"], done["attempt_count"], done["id"]) == ("answered", 1, jobs[1]["id"])
    page = full_site.get(f"/campaigns/{campaign}/jobs?limit=2&offset=2")
    assert (page.data, page.json["page"]) == (jobs[2:4], {"limit": 2, "offset": 2, "more": True})


# Its life


def test_a_campaign_is_started_paused_and_resumed(full_site: Site, dsn: str) -> None:
    campaign = make(full_site)
    give_list(full_site, campaign, "+79450000001")
    assert full_site.post(f"/campaigns/{campaign}/start").data["status"] == "RUNNING"
    paused = full_site.post(f"/campaigns/{campaign}/pause", {"reason": "new offer"}).data
    assert (paused["status"], paused["status_message"], paused["holds"]) == ("PAUSED", "new offer", ["operator"])
    assert full_site.post(f"/campaigns/{campaign}/resume", {}).data["status"] == "RUNNING"
    with psycopg.connect(dsn) as connection:
        history = connection.execute("SELECT reason FROM campaign_status_history ORDER BY id").fetchall()
    assert history == [("started over HTTP",), ("new offer",), ("resumed over HTTP",)]


def test_what_a_campaigns_status_does_not_allow_is_a_conflict(full_site: Site) -> None:
    campaign = make(full_site)
    without = full_site.post(f"/campaigns/{campaign}/start")
    assert without.refusal == (409, "Campaign has no tasks: import a call list first")
    assert full_site.post(f"/campaigns/{campaign}/pause").refusal == (409, "Campaign is not running")
    give_list(full_site, campaign, "+79450000001")
    full_site.post(f"/campaigns/{campaign}/start")
    assert full_site.post(f"/campaigns/{campaign}/start").refusal == (409, "Campaign is already running")
    assert full_site.post(f"/campaigns/{campaign}/resume").refusal == (409, "Campaign is already running")


@pytest.mark.parametrize("body", [{"reason": ""}, {"reason": 7}, {"why": "x"}, []])
def test_a_reason_is_a_line_of_text(shared_site: Site, body: object) -> None:
    assert shared_site.post(f"/campaigns/{uuid4()}/pause", body).refusal[0] == 400


# Deleting

COUNTS = """
SELECT (SELECT count(*) FROM campaigns), (SELECT count(*) FROM call_tasks), (SELECT count(*) FROM calls),
       (SELECT count(*) FROM recordings), (SELECT count(*) FROM receipts),
       (SELECT count(*) FROM campaign_status_history), (SELECT count(*) FROM campaign_holds)"""


def add_call(dsn: str, campaign: str, state: str = "ended") -> None:
    """One of the campaign's tasks has been called, recorded and paid for."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT id FROM call_tasks WHERE campaign_id = %s LIMIT 1", (campaign,)).fetchone()
        assert row is not None
        values = {"call": uuid4(), "task": row[0], "campaign": campaign, "company": ACME, "state": state}
        values["outcome"] = "answered" if state == "ended" else None
        connection.execute(
            "INSERT INTO calls (id, task_id, campaign_id, company_id, trunk, phone_number, attempt, state, outcome,"
            " claimed_at) VALUES (%(call)s, %(task)s, %(campaign)s, %(company)s, 'main', '+79450000001', 1, %(state)s,"
            " %(outcome)s, now())",
            values,
        )
        connection.execute("UPDATE call_tasks SET call_id = %(call)s WHERE id = %(task)s", values)
        connection.execute(
            "INSERT INTO recordings (id, call_id, company_id, created_at, updated_at)"
            " VALUES (%(call)s, %(call)s, %(company)s, now(), now())",
            values,
        )
        connection.execute(
            "INSERT INTO receipts (id, call_id, company_id, amount, currency, source, created_at)"
            " VALUES (%(call)s, %(call)s, %(company)s, 1.5, 'EUR', 'provider', now())",
            values,
        )


def counts(dsn: str) -> tuple[int, ...]:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(COUNTS).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize("status", ["draft", "completed", "failed"])
def test_a_campaign_is_deleted_with_everything_about_it_and_no_other(full_site: Site, dsn: str, status: str) -> None:
    kept, gone = make(full_site, name="kept"), make(full_site, name="gone")
    for campaign, numbers in ((kept, ["+79450000001"]), (gone, ["+79450000001", "+79450000002"])):
        give_list(full_site, campaign, *numbers)
        full_site.post(f"/campaigns/{campaign}/start")
        full_site.post(f"/campaigns/{campaign}/pause")
        add_call(dsn, campaign)
    set_status(dsn, gone, status)
    assert counts(dsn) == (2, 3, 2, 2, 2, 4, 2)
    deleted = full_site.delete(f"/campaigns/{gone}").data
    assert deleted == {"id": gone, "tasks": 2, "calls": 1, "recordings": 1, "receipts": 1}
    assert counts(dsn) == (1, 1, 1, 1, 1, 2, 1)
    assert full_site.get(f"/campaigns/{gone}").status == 404
    assert full_site.get(f"/campaigns/{kept}").data["calls"]["total"] == 1


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_campaign_that_may_call_is_not_deleted(full_site: Site, dsn: str, status: str) -> None:
    campaign = make(full_site)
    set_status(dsn, campaign, status)
    refused = full_site.delete(f"/campaigns/{campaign}").refusal
    assert refused == (409, f"Campaign is {status}: only a draft, completed or failed one can be deleted")
    assert full_site.get(f"/campaigns/{campaign}").status == 200


def test_a_campaign_whose_last_calls_are_up_is_not_deleted(full_site: Site, dsn: str) -> None:
    campaign = make(full_site)
    give_list(full_site, campaign, "+79450000001")
    add_call(dsn, campaign, "answered")
    set_status(dsn, campaign, "failed")
    refused = full_site.delete(f"/campaigns/{campaign}").refusal
    assert refused == (409, "Campaign has 1 calls in progress: it can be deleted when they are over")


def test_a_campaign_that_its_file_would_make_again_is_not_deleted(full_site: Site, dsn: str) -> None:
    campaign = make(full_site)
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE campaigns SET slug = 'spring' WHERE id = %s", (campaign,))
    full_site.campaigns["spring"] = CampaignFile.model_validate(SPRING)
    refused = full_site.delete(f"/campaigns/{campaign}").refusal
    assert refused == (409, "Campaign is made from its file spring.toml: remove the file first")
    full_site.campaigns.clear()
    assert full_site.delete(f"/campaigns/{campaign}").status == 200
