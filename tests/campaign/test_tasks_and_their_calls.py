"""Tasks and their calls refer to each other, and the database holds both ends together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.campaign.book import COMPLETED, Book, result
from tests.waiting import wait_until

DELETE = "DELETE FROM call_tasks WHERE campaign_id = %s"


def test_tasks_are_not_deleted_without_their_calls(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 2)
    (task,) = book.claim(campaign, 1)
    book.settle(campaign, (result(task), COMPLETED))
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        book.connection.execute(DELETE, (campaign,))
    with book.connection.transaction():
        book.connection.execute("DELETE FROM call_tasks WHERE id <> %s", (task.task_id,))
        book.connection.execute("UPDATE call_tasks SET call_id = NULL")
        book.connection.execute("DELETE FROM calls")
        book.connection.execute(DELETE, (campaign,))
    assert not book.read("SELECT FROM call_tasks")


def test_tasks_are_not_deleted_while_a_call_comes_to_them(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 2)
    other = book.connect()
    waiting = "SELECT FROM pg_locks WHERE pid = %s AND NOT granted"
    with ThreadPoolExecutor(1) as threads:
        with book.connection.transaction():
            book.claim(campaign, 1)
            deletion = threads.submit(other.execute, DELETE, (campaign,))
            wait_until(lambda: book.connection.execute(waiting, (other.info.backend_pid,)).rowcount == 1)
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            deletion.result()
    (tasks,) = book.read("SELECT count(*) FROM call_tasks")
    assert tasks["count"] == 2


def test_a_task_is_attempted_by_one_call_at_a_time(book: Book) -> None:
    campaign = book.campaign()
    book.many(campaign, 1)
    (task,) = book.claim(campaign, 1)
    again = (
        "INSERT INTO calls (id, task_id, campaign_id, company_id, trunk, phone_number, attempt, claimed_at)"
        " SELECT uuidv7(), task_id, campaign_id, company_id, trunk, phone_number, attempt + 1, claimed_at FROM calls"
    )
    with pytest.raises(psycopg.errors.UniqueViolation):
        book.connection.execute(again)
    book.settle(campaign, (result(task), COMPLETED))
    assert book.connection.execute(again).rowcount == 1
