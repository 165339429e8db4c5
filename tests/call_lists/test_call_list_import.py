"""A call list becomes call tasks: all of it, once, or nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from import_ledger import NOW, Ledger, numbers

from actors.errors import CallListValidationError, CampaignNotFoundError, CampaignValidationError, DatabaseError
from actors.ids import new_id
from actors.jobs.call_lists import importing
from actors.jobs.call_lists.importing import import_call_list
from tests.waiting import wait_until

ListOf = Callable[..., Path]


def plain_list(count: int, start: int = 0) -> str:
    return "phone_number\n" + "\n".join(numbers(count, start)) + "\n"


def test_the_scenario_of_the_documents(ledger: Ledger, list_of: ListOf) -> None:
    campaign = ledger.campaign()
    path = list_of(
        "phone_number,name,company,notes\n"
        "+79991000001,Ann,Acme,first\n"
        "8 999 100-00-02,Боб,Ёлка,\n"
        "79991000003,Carl,Acme,third\n"
        "+442083661177,Dora,,\n"
        ",Eve,Acme,no number\n"
    )
    result = ledger.add(campaign, path)
    assert result.as_json() == {"total": 5, "created": 4, "errors": ["Row 6: Empty phone number"]}
    tasks = ledger.tasks(campaign)
    assert [(task["phone_number"], task["contact_name"], task["contact_data"]) for task in tasks] == [
        ("+79991000001", "Ann", {"company": "Acme", "notes": "first"}),
        ("+79991000002", "Боб", {"company": "Ёлка"}),
        ("+79991000003", "Carl", {"company": "Acme", "notes": "third"}),
        ("+442083661177", "Dora", {}),
    ]
    assert {(task["status"], task["due"], task["attempt_count"], task["priority"]) for task in tasks} == {
        ("pending", True, 0, 0)
    }


def test_the_order_of_the_list_is_kept_and_the_total_counted(ledger: Ledger, list_of: ListOf) -> None:
    campaign = ledger.campaign(status="running")
    before = ledger.row(campaign)
    ledger.add(campaign, list_of(plain_list(300)))
    tasks = ledger.tasks(campaign)
    assert [task["phone_number"] for task in tasks] == numbers(300)
    assert [task["created_at"] for task in tasks] == [NOW + timedelta(microseconds=row) for row in range(2, 302)]
    assert {task["updated_at"] for task in tasks} == {NOW}
    assert len({task["id"] for task in tasks}) == 300
    # A changed updated_at would tell the campaign's actor that its settings have changed.
    assert ledger.row(campaign) == before | {"total_tasks": 300}


@pytest.mark.parametrize("fetched", [importing._FETCHED, 0, 3], ids=["known at once", "known by batch", "a few"])
def test_each_row_that_is_known_says_where_from(
    ledger: Ledger, list_of: ListOf, monkeypatch: pytest.MonkeyPatch, fetched: int
) -> None:
    monkeypatch.setattr(importing, "_FETCHED", fetched)
    monkeypatch.setattr(importing, "_BATCH", 2)
    campaign, first, second, third, fourth, fifth = ledger.campaign(), *numbers(5)
    ledger.add(campaign, list_of(f"phone_number\n{first}\n"))
    ledger.do_not_call(second)
    ledger.do_not_call(third, everywhere=True)
    ledger.do_not_call(fourth, of_another=True)
    ledger.do_not_call("not a number", everywhere=True)
    rows = [fourth, first, second, third, "", fourth, fifth, fourth]
    result = ledger.add(campaign, list_of("phone_number,x\n" + "".join(f"{row},1\n" for row in rows)))
    assert result.as_json() == {
        "total": 8,
        "created": 2,
        "errors": [
            "Row 3: Already in this campaign",
            "Row 4: On the do-not-call list",
            "Row 5: On the do-not-call list",
            "Row 6: Empty phone number",
            "Row 7: Duplicate of row 2",
            "Row 9: Duplicate of row 2",
        ],
    }
    assert ledger.numbers(campaign) == [first, fourth, fifth]
    assert ledger.row(campaign)["total_tasks"] == 3


def test_the_same_list_again_creates_nothing(ledger: Ledger, list_of: ListOf) -> None:
    campaign, path = ledger.campaign(), list_of(plain_list(50))
    assert ledger.add(campaign, path).created == 50
    again = ledger.add(campaign, path)
    assert again.created == 0
    assert again.errors == [f"Row {row}: Already in this campaign" for row in range(2, 52)]
    assert ledger.row(campaign)["total_tasks"] == len(ledger.tasks(campaign)) == 50


def test_one_contact_may_be_in_two_campaigns(ledger: Ledger, list_of: ListOf) -> None:
    path = list_of(plain_list(3))
    assert [ledger.add(ledger.campaign(slug), path).created for slug in ("spring", "autumn")] == [3, 3]


def test_bad_rows_stop_nothing(ledger: Ledger, list_of: ListOf) -> None:
    campaign, (first, second) = ledger.campaign(), numbers(2)
    path = list_of(
        b"phone_number,name,notes\n"
        b"+7999\x00,a,b\n"  # the libraries read past NUL; too short it is
        + f"{first},nul,a\0b\n".encode()
        + f'{first},big,"{"x" * 1_000_000}"\n'.encode()
        + b"+79990000000,bad,\xff\xfe\n"
        + f'{second},"=1+1",""""\n'.encode()
        + "Ж,Ж,Жжжжжжжжжжжжжжжжжжжж\n".encode() * 3
    )
    result = ledger.add(campaign, path)
    assert result.created == 1
    assert result.errors[1:4] == [
        "Row 3: A cell has a NUL character",
        "Row 4: A cell is longer than 32,767 characters",
        "Row 5: A cell has characters that can't be read",
    ]
    assert result.total == 8 and ledger.numbers(campaign) == [second]


@pytest.mark.parametrize("content", ["phone_number,name\n", "phone_number", "\ufeffphone_number\r\n\r\n\r\n"])
def test_a_list_of_nothing_but_its_header_adds_nothing(ledger: Ledger, list_of: ListOf, content: str) -> None:
    assert ledger.add(ledger.campaign(), list_of(content)).as_json() == {"total": 0, "created": 0, "errors": []}


@pytest.mark.parametrize(
    ("content", "why"),
    [("", "empty"), ("\n \n", "empty"), ("name,number\nAnn,1\n", "^Missing required columns: phone_number$")],
)
def test_a_list_that_is_none_is_refused(ledger: Ledger, list_of: ListOf, content: str, why: str) -> None:
    with pytest.raises(CallListValidationError, match=why):
        ledger.add(ledger.campaign(), list_of(content))


@pytest.mark.parametrize("status", ["draft", "running", "paused"])
def test_an_open_campaign_takes_contacts(ledger: Ledger, list_of: ListOf, status: str) -> None:
    assert ledger.add(ledger.campaign(status=status), list_of(plain_list(1))).created == 1


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_campaign_that_has_ended_takes_no_contacts(ledger: Ledger, list_of: ListOf, status: str) -> None:
    campaign = ledger.campaign(status=status)
    with pytest.raises(CampaignValidationError, match=f"Campaign is {status}"):
        ledger.add(campaign, list_of(plain_list(1)))
    assert not ledger.tasks(campaign)


def test_a_campaign_that_is_not_there(ledger: Ledger, list_of: ListOf) -> None:
    with pytest.raises(CampaignNotFoundError):
        ledger.add(new_id(), list_of(plain_list(1)))


def test_a_campaign_that_ends_during_the_import_gets_nothing(ledger: Ledger, list_of: ListOf) -> None:
    campaign = ledger.campaign(status="running")

    def complete(done: int, total: int) -> None:
        with psycopg.connect(ledger.dsn, autocommit=True) as other:
            other.execute("UPDATE campaigns SET status = 'completed' WHERE id = %s", (campaign,))

    with pytest.raises(CampaignValidationError, match="came to its end"):
        import_call_list(ledger.connection, campaign, list_of(plain_list(10)), NOW, complete)
    assert not ledger.tasks(campaign) and ledger.row(campaign)["total_tasks"] == 0


def test_settling_goes_on_during_an_import(ledger: Ledger, list_of: ListOf) -> None:
    campaign = ledger.campaign(status="running")

    def settle(done: int, total: int) -> None:
        with psycopg.connect(ledger.dsn, autocommit=True, options="-c lock_timeout=1000") as other:
            other.execute("UPDATE campaigns SET completed_tasks = completed_tasks + 1 WHERE id = %s", (campaign,))

    import_call_list(ledger.connection, campaign, list_of(plain_list(5000)), NOW, settle)
    row = ledger.row(campaign)
    assert row["total_tasks"] == 5000 and row["completed_tasks"] == 2


@pytest.mark.parametrize("fetched", [importing._FETCHED, 0], ids=["one batch", "batches"])
def test_an_interrupted_import_leaves_nothing(
    ledger: Ledger, list_of: ListOf, monkeypatch: pytest.MonkeyPatch, fetched: int
) -> None:
    monkeypatch.setattr(importing, "_FETCHED", fetched)
    monkeypatch.setattr(importing, "_BATCH", 500)
    campaign, path = ledger.campaign(), list_of(plain_list(10_000))

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_call_list(ledger.connection, campaign, path, NOW, interrupt)
    assert not ledger.tasks(campaign) and ledger.row(campaign)["total_tasks"] == 0
    assert ledger.add(campaign, path).created == 10_000


@pytest.mark.parametrize("fetched", [importing._FETCHED, 0], ids=["one batch", "batches"])
def test_an_import_that_loses_its_connection_leaves_nothing(
    ledger: Ledger, list_of: ListOf, monkeypatch: pytest.MonkeyPatch, fetched: int
) -> None:
    monkeypatch.setattr(importing, "_FETCHED", fetched)
    monkeypatch.setattr(importing, "_BATCH", 500)
    campaign, path = ledger.campaign(), list_of(plain_list(10_000))
    with psycopg.connect(ledger.dsn, autocommit=True) as doomed:

        def kill(done: int, total: int) -> None:
            ledger.connection.execute("SELECT pg_terminate_backend(%s, 5000)", (doomed.info.backend_pid,))

        with pytest.raises(DatabaseError, match="nothing was added"):
            import_call_list(doomed, campaign, path, NOW, kill)
    assert not ledger.tasks(campaign) and ledger.row(campaign)["total_tasks"] == 0
    assert ledger.add(campaign, path).created == 10_000


def test_two_imports_at_once_create_no_duplicates(ledger: Ledger, list_of: ListOf) -> None:
    campaign = ledger.campaign()
    one, two = list_of(plain_list(5000), "one.csv"), list_of(plain_list(5000, start=2500), "two.csv")
    second: list[importing.ImportResult] = []

    def import_two() -> None:
        with psycopg.connect(ledger.dsn, autocommit=True) as connection:
            second.append(ledger.add(campaign, two, connection=connection))

    thread = threading.Thread(target=import_two)
    waiting = "SELECT FROM pg_stat_activity WHERE query ~ 'try_advisory|pg_sleep' AND pid <> pg_backend_pid()"
    with psycopg.connect(ledger.dsn, autocommit=True) as watcher:

        def start_the_other(done: int, total: int) -> None:
            if thread.ident is None:
                thread.start()
                wait_until(lambda: watcher.execute(waiting).rowcount)

        first = import_call_list(ledger.connection, campaign, one, NOW, start_the_other)
        thread.join()
    assert first.created == 5000 and not first.errors
    assert second[0].created == 2500
    assert second[0].errors == [f"Row {row}: Already in this campaign" for row in range(2, 2502)]
    assert ledger.row(campaign)["total_tasks"] == len(ledger.tasks(campaign)) == 7500


def test_imports_into_two_campaigns_do_not_wait_for_each_other(ledger: Ledger, list_of: ListOf) -> None:
    spring, autumn, path = ledger.campaign("spring"), ledger.campaign("autumn"), list_of(plain_list(10))

    def import_into_the_other(done: int, total: int) -> None:
        with psycopg.connect(ledger.dsn, autocommit=True) as connection:
            ledger.add(autumn, path, connection=connection)

    import_call_list(ledger.connection, spring, path, NOW, import_into_the_other)
    assert len(ledger.tasks(spring)) == len(ledger.tasks(autumn)) == 10


def test_a_contact_that_somebody_else_adds_meanwhile_is_an_error_and_no_trace(ledger: Ledger, list_of: ListOf) -> None:
    campaign = ledger.campaign()

    def add(done: int, total: int) -> None:
        with psycopg.connect(ledger.dsn, autocommit=True, options="-c lock_timeout=1000") as other:
            other.execute(
                "INSERT INTO call_tasks (id, campaign_id, phone_number, created_at, updated_at)"
                " VALUES (%s, %s, %s, now(), now())",
                (new_id(), campaign, numbers(1)[0]),
            )

    with pytest.raises(DatabaseError, match="import the list again"):
        import_call_list(ledger.connection, campaign, list_of(plain_list(10)), NOW, add)
    assert ledger.numbers(campaign) == numbers(1)


def test_a_connection_of_the_pool_may_take_its_time(ledger: Ledger, list_of: ListOf) -> None:
    # Less than the list takes, and more than a busy machine takes for what comes before it.
    with psycopg.connect(ledger.dsn, autocommit=True, options="-c statement_timeout=50 -c lock_timeout=50") as pooled:
        assert ledger.add(ledger.campaign(), list_of(plain_list(20_000)), connection=pooled).created == 20_000
        assert pooled.execute("SHOW statement_timeout").fetchone() == ("50ms",)


def test_the_encoding_of_the_connection_does_not_matter(ledger: Ledger, list_of: ListOf) -> None:
    campaign = ledger.campaign()
    with psycopg.connect(ledger.dsn, autocommit=True, client_encoding="latin1") as connection:
        ledger.add(campaign, list_of(f"phone_number,name,x\n{numbers(1)[0]},Пётр,Ёж\n"), connection=connection)
    assert [(task["contact_name"], task["contact_data"]) for task in ledger.tasks(campaign)] == [("Пётр", {"x": "Ёж"})]


def test_an_import_can_be_part_of_a_transaction(ledger: Ledger, list_of: ListOf) -> None:
    campaign = ledger.campaign()
    with ledger.connection.transaction(force_rollback=True):
        assert ledger.add(campaign, list_of(plain_list(10))).created == 10
    assert not ledger.tasks(campaign)


CELL = st.one_of(
    st.integers(0, 20).map(lambda number: f"+799910000{number:02}"),
    st.text(st.characters(codec="utf-8"), max_size=10),
    st.sampled_from(['"', '""', "\0", "=1+1", "79991000005.0", "7.9991E+10", "\r\n"]),
)


@given(rows=st.lists(st.lists(CELL, min_size=1, max_size=5), max_size=20))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_a_file_every_row_has_one_answer(
    ledger: Ledger, list_of: ListOf, rows: list[list[str]]
) -> None:
    campaign = ledger.campaign(slug=None)
    result = ledger.add(campaign, list_of("phone_number,name,priority\n" + "\n".join(map(",".join, rows))))
    found = ledger.numbers(campaign)
    assert result.total == result.created + len(result.errors)
    assert result.created == len(found) == len(set(found)) == ledger.row(campaign)["total_tasks"]
