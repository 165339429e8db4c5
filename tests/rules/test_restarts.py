"""How soon, and how often, a child that died is started again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from supervisor.tree.restarts import CHILD, RestartPolicy, Restarts

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_the_delay_doubles_up_to_its_cap_and_is_forgotten_after_a_quiet_time() -> None:
    restarts, now = Restarts(RestartPolicy(most=100, first=SECOND, longest=5 * SECOND)), NOW
    delays = []
    for _ in range(5):
        now += SECOND
        restarts.died(now, outage=False)
        delays.append(restarts.delay(0) / SECOND)
    assert delays == [1, 2, 4, 5, 5]
    restarts.died(now + 61 * SECOND, outage=False)
    assert restarts.delay(0) == SECOND


def test_jitter_only_makes_it_later() -> None:
    restarts = Restarts(RestartPolicy(most=1, first=SECOND, jitter=0.2))
    restarts.died(NOW, outage=False)
    assert restarts.delay(0) == SECOND
    assert SECOND < restarts.delay(0.999) < 1.2 * SECOND


def test_more_than_five_deaths_in_a_minute_are_too_many() -> None:
    restarts = Restarts(CHILD)
    judged = [restarts.died(NOW + n * 10 * SECOND, outage=False) for n in range(6)]
    assert judged == [True] * 5 + [False]


def test_deaths_that_are_far_apart_are_never_too_many() -> None:
    restarts = Restarts(CHILD)
    assert all(restarts.died(NOW + n * 13 * SECOND, outage=False) for n in range(100))


def test_an_outage_of_the_database_is_never_a_childs_fault() -> None:
    restarts = Restarts(CHILD)
    assert all(restarts.died(NOW + n * SECOND, outage=True) for n in range(1000))
    assert restarts.delay(0) == CHILD.longest
