"""Rows are carried to PostgreSQL in several COPYs, and it is as if it had been one."""

from __future__ import annotations

import psycopg
import pytest
from import_ledger import NOW, Ledger, numbers

from actors.ids import new_id
from actors.jobs.call_lists import copies
from actors.jobs.call_lists.contacts import Contact
from actors.jobs.call_lists.ledger import Tasks, TaskWriter


@pytest.fixture(autouse=True)
def each_row_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each row that is handed over makes a COPY full."""
    monkeypatch.setattr(copies, "_ENOUGH", 1)


def write(writer: TaskWriter, phone_numbers: list[str], first_row: int = 2) -> None:
    for row, phone_number in enumerate(phone_numbers, start=first_row):
        writer.write(Contact(row, phone_number, b"Ann", 0, b"{}", []))
        writer.flush()


def test_all_rows_arrive_in_their_order(ledger: Ledger) -> None:
    campaign = ledger.campaign()
    with ledger.connection.transaction(), Tasks(ledger.connection, campaign).writer(NOW) as writer:
        write(writer, numbers(20))
    assert ledger.numbers(campaign) == numbers(20)


def test_rows_are_taken_while_those_before_are_being_checked(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = ledger.campaign()
    with psycopg.connect(ledger.dsn) as other, ledger.connection.transaction():
        ledger.connection.execute("SET LOCAL lock_timeout = '30s'")
        other.execute("SELECT FROM campaigns WHERE id = %s FOR UPDATE", (campaign,))  # the check waits for this
        with Tasks(ledger.connection, campaign).writer(NOW) as writer:
            write(writer, numbers(1))
            monkeypatch.setattr(copies, "_ENOUGH", 1 << 20)
            write(writer, numbers(9, start=1), first_row=3)
            other.rollback()
    assert ledger.numbers(campaign) == numbers(10)


@pytest.mark.parametrize("after", [0, 1, 5])
def test_what_a_check_finds_is_raised_however_much_comes_after(ledger: Ledger, after: int) -> None:
    nowhere = new_id()
    with (
        pytest.raises(psycopg.errors.ForeignKeyViolation),
        ledger.connection.transaction(),
        Tasks(ledger.connection, nowhere).writer(NOW) as writer,
    ):
        write(writer, numbers(1 + after))
    assert not ledger.tasks(nowhere)


@pytest.mark.parametrize("full", [1, 1 << 20], ids=["while one ends", "while one is open"])
def test_whoever_leaves_leaves_nothing_and_a_usable_connection(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, full: int
) -> None:
    campaign = ledger.campaign()
    monkeypatch.setattr(copies, "_ENOUGH", full)
    with (
        pytest.raises(KeyboardInterrupt),
        ledger.connection.transaction(),
        Tasks(ledger.connection, campaign).writer(NOW) as writer,
    ):
        write(writer, numbers(3))
        raise KeyboardInterrupt
    assert not ledger.tasks(campaign)
