"""Campaigns that start together are read together; each knows what it would have read alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from psycopg_pool import ConnectionPool, PoolTimeout

from actors.campaign import together
from actors.campaign.ledger import CampaignRow
from actors.campaign.readings import Reading, Readings, read_answered
from actors.campaign.together import Together
from actors.errors import CampaignNotFoundError, LeaseLostError
from actors.ids import new_id
from actors.outcomes import Outcome
from tests.campaign.book import COMPLETED, MINUTE, SECOND, Book, result
from tests.manual_clock import ManualClock
from tests.waiting import wait_until
from tests.world import TUESDAY


class Slow:
    """What many want to read, and who reads waits at a gate. `asked` says what was read together."""

    def __init__(self, *bad: str, most: int = 100) -> None:
        self.gate = threading.Event()
        self.asked: list[list[str]] = []
        self._bad = bad
        self.together: Together[str, str] = Together(self._read, most)
        self._threads = ThreadPoolExecutor(20)

    def ask(self, *keys: str) -> list[Future[str]]:
        """Each in a thread of its own; returns when all of them are reading or waiting to be read for."""
        futures = []
        for key in keys:
            entered = len(self.asked) + self._waiting()
            futures.append(self._threads.submit(self.together.ask, key))
            wait_until(lambda entered=entered: len(self.asked) + self._waiting() > entered)
        return futures

    def _waiting(self) -> int:
        return len(self.together._waiting)

    def _read(self, keys: Sequence[str]) -> Mapping[str, str]:
        self.asked.append(list(keys))
        self.gate.wait()
        if set(keys) & set(self._bad):
            raise ValueError(f"{keys} can't be read")
        return {key: key.upper() for key in keys}


def test_who_asks_while_somebody_reads_is_read_for_with_the_others_and_never_from_before() -> None:
    slow = Slow()
    first = slow.ask("a")
    others = slow.ask("b", "c", "d")
    slow.gate.set()
    assert [future.result(10) for future in first + others] == ["A", "B", "C", "D"]
    assert slow.asked == [["a"], ["b", "c", "d"]]
    assert slow.ask("e")[0].result(10) == "E"


def test_no_more_are_read_together_than_may_be() -> None:
    slow = Slow(most=2)
    futures = slow.ask("a", "b", "c", "d")
    slow.gate.set()
    assert [future.result(10) for future in futures] == ["A", "B", "C", "D"]
    assert slow.asked == [["a"], ["b", "c"], ["d"]]


def test_one_that_cant_be_read_fails_alone() -> None:
    slow = Slow("bad", "worse")
    bad = slow.ask("bad")
    futures = slow.ask("a", "worse", "b")
    slow.gate.set()
    for future in (bad[0], futures[1]):
        with pytest.raises(ValueError, match="can't be read"):
            future.result(10)
    assert (futures[0].result(10), futures[2].result(10)) == ("A", "B")
    assert slow.ask("c")[0].result(10) == "C", "nobody reads any more"


def test_who_waits_for_too_long_for_others_gives_up(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow()
    first = slow.ask("a")
    monkeypatch.setattr(together, "WAIT_S", 0)
    with pytest.raises(PoolTimeout):
        slow.together.ask("b")
    slow.gate.set()
    assert first[0].result(10) == "A"
    assert slow.asked == [["a"]]


def _at_once(calls: Sequence[Callable[[], Reading]]) -> list[Future[Reading]]:
    """These, each called in a thread of its own at the same moment."""
    barrier = threading.Barrier(len(calls))

    def call(one: Callable[[], Reading]) -> Reading:
        barrier.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as threads:
        return [threads.submit(call, one) for one in calls]


def test_campaigns_that_are_read_together_know_what_each_would_read_alone(book: Book) -> None:
    campaigns = [book.campaign() for _ in range(8)]
    for each in campaigns:
        for number in range(3):
            book.task(each, age=number * SECOND)
        begun, under_way = book.claim(each, 2)
        for task in (begun, under_way):
            book.connection.execute(
                "UPDATE calls SET state = 'answered', dialing_at = %s, answered_at = %s WHERE id = %s",
                (TUESDAY - 30 * SECOND, TUESDAY - 20 * SECOND, task.call_id),
            )
        settled = result(begun, Outcome.ANSWERED, answered_at=TUESDAY - 20 * SECOND, ended_at=TUESDAY)
        book.settle(each, (settled, COMPLETED))
    book.task(campaigns[0], due=False, next_attempt_at=TUESDAY + MINUTE)
    lost, unknown = campaigns[-1], new_id()
    book.connection.execute(
        "UPDATE campaign_leases SET epoch = 2, supervisor_id = NULL WHERE campaign_id = %s", (lost,)
    )

    with ConnectionPool(book.dsn, min_size=1, max_size=2) as pool:
        readings = Readings(pool, book.supervisor, ManualClock(TUESDAY))
        asked = [*campaigns, unknown]
        found = _at_once([lambda each=each: readings.read(each) for each in asked])
        alone = [readings.read(each) for each in campaigns[:-1]]
    assert [future.result() for future in found[: len(alone)]] == alone
    assert isinstance(found[-2].exception(), LeaseLostError)
    assert isinstance(found[-1].exception(), CampaignNotFoundError)
    for each, reading in zip(campaigns, alone, strict=False):
        assert isinstance(reading.campaign, CampaignRow) and reading.campaign == book.row(each)
        assert reading.answered == [(TUESDAY - 20 * SECOND, True)]
        assert reading.begun == [TUESDAY - 30 * SECOND]
        assert [began_at for _, began_at in reading.unfinished] == [TUESDAY - 30 * SECOND]
        assert reading.put_off == (each == campaigns[0])


def test_a_restart_counts_as_abandoned_what_was_counted_so_when_it_ended(book: Book) -> None:
    """Ten seconds is how long these campaigns have their agents waited for."""
    campaign, answered_at = book.campaign(), TUESDAY - MINUTE
    book.connection.execute("UPDATE campaigns SET agent_timeout_s = 10")
    ends = [
        {"outcome": Outcome.ANSWERED, "agent_joined_at": answered_at + SECOND},
        {"outcome": Outcome.ANSWERED, "agent_joined_at": answered_at + 11 * SECOND},
        {"outcome": Outcome.VOICEMAIL, "agent_joined_at": answered_at + 11 * SECOND},
        {"outcome": Outcome.AGENT_FAILED},
        {"outcome": Outcome.AGENT_FAILED, "ended_at": answered_at + 9 * SECOND},
    ]
    book.many(campaign, len(ends))
    expected = []
    for task, end in zip(book.claim(campaign, len(ends)), ends, strict=True):
        values: dict[str, Any] = {"ended_at": answered_at + 30 * SECOND, **end}
        ended = result(task, answered_at=answered_at, **values)
        book.connection.execute(
            "UPDATE calls SET state = 'answered', dialing_at = %s WHERE id = %s", (answered_at, task.call_id)
        )
        book.settle(campaign, (ended, COMPLETED))
        expected.append((answered_at, not ended.is_abandoned))
    assert sorted(read_answered(book.connection, [campaign], TUESDAY)[campaign]) == sorted(expected)
    assert [kept for _, kept in expected].count(False) == 2
