"""Every change of a campaign's status in the database: who may, what it says, and its row in the history."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

import pytest

from actors.errors import CampaignNotFoundError, CampaignValidationError
from actors.ids import new_id
from actors.roster import statuses
from actors.roster.lifecycle import Hold
from tests.campaign.book import COMPLETED, FAILED, MINUTE, RETRY, SECOND, Book, result
from tests.campaign.test_ledger import together
from tests.world import TUESDAY

LIVEKIT = Hold("breaker:livekit", "Paused: LiveKit is failing", "HTTP 503")
TRUNK = Hold("breaker:trunk:main", "Paused: trunk main is failing", "SIP 503")
CONFIG = Hold("config", "Paused: disabled in its file")
STATUSES = ["draft", "running", "paused", "completed", "failed"]


@pytest.fixture
def campaign(book: Book) -> UUID:
    """A running campaign with a task."""
    made = book.campaign()
    book.task(made)
    return made


def told(book: Book, campaign: UUID) -> tuple[Any, ...]:
    (row,) = book.read("SELECT status, status_message, status_error FROM campaigns WHERE id = %s", campaign)
    return tuple(row.values())


def history(book: Book, campaign: UUID) -> list[tuple[Any, ...]]:
    rows = book.read(
        "SELECT from_status, to_status, reason, error FROM campaign_status_history WHERE campaign_id = %s ORDER BY id",
        campaign,
    )
    return [tuple(row.values()) for row in rows]


# Holds


def test_a_campaign_is_paused_until_its_last_hold_is_lifted_whatever_the_order(book: Book, campaign: UUID) -> None:
    connection = book.connection
    statuses.hold(connection, campaign, LIVEKIT, TUESDAY)
    statuses.pause(connection, campaign, TUESDAY + SECOND, "lunch")
    statuses.hold(connection, campaign, CONFIG, TUESDAY + 2 * SECOND)
    statuses.lift(connection, campaign, "breaker:livekit", TUESDAY + 3 * SECOND, "LiveKit is well")
    assert told(book, campaign)[0] == "paused"
    statuses.lift(connection, campaign, "config", TUESDAY + 4 * SECOND, "enabled in its file")
    assert told(book, campaign)[0] == "paused"
    statuses.resume(connection, campaign, TUESDAY + 5 * SECOND, "back")
    assert told(book, campaign) == ("running", None, None)


def test_what_a_paused_campaign_says_follows_its_oldest_hold(book: Book, campaign: UUID) -> None:
    connection = book.connection
    statuses.hold(connection, campaign, LIVEKIT, TUESDAY)
    assert told(book, campaign) == ("paused", "Paused: LiveKit is failing", "HTTP 503")
    statuses.hold(connection, campaign, TRUNK, TUESDAY + SECOND)
    statuses.pause(connection, campaign, TUESDAY + 2 * SECOND, "lunch")
    assert told(book, campaign) == ("paused", "Paused: LiveKit is failing", "HTTP 503")
    statuses.hold(connection, campaign, Hold("breaker:livekit", "Paused: LiveKit", "refused"), TUESDAY + 3 * SECOND)
    assert told(book, campaign) == ("paused", "Paused: LiveKit", "refused")
    statuses.lift(connection, campaign, "breaker:livekit", TUESDAY + 4 * SECOND, "well")
    assert told(book, campaign) == ("paused", "Paused: trunk main is failing", "SIP 503")
    statuses.lift(connection, campaign, "breaker:trunk:main", TUESDAY + 5 * SECOND, "well")
    assert told(book, campaign) == ("paused", "lunch", None)


def test_the_history_has_a_row_for_each_change_of_status_and_none_for_more_of_the_same(
    book: Book, campaign: UUID
) -> None:
    connection = book.connection
    statuses.hold(connection, campaign, LIVEKIT, TUESDAY)
    statuses.pause(connection, campaign, TUESDAY, "lunch")
    statuses.pause(connection, campaign, TUESDAY, "a long lunch")
    statuses.lift(connection, campaign, "breaker:livekit", TUESDAY, "well")
    statuses.lift(connection, campaign, "breaker:livekit", TUESDAY, "well again")
    statuses.resume(connection, campaign, TUESDAY + MINUTE, "back")
    assert history(book, campaign) == [
        ("running", "paused", "Paused: LiveKit is failing", "HTTP 503"),
        ("paused", "running", "back", None),
    ]
    (last,) = book.read("SELECT created_at FROM campaign_status_history ORDER BY id DESC LIMIT 1")
    assert last["created_at"] == TUESDAY + MINUTE


def test_an_operators_pause_is_lifted_only_by_an_operator(book: Book, campaign: UUID) -> None:
    statuses.pause(book.connection, campaign, TUESDAY, "lunch")
    for name in ("config", "breaker:livekit", "breaker:trunk:main"):
        statuses.lift(book.connection, campaign, name, TUESDAY, "well")
    assert told(book, campaign) == ("paused", "lunch", None)


def test_an_operator_does_not_lift_what_others_hold(book: Book, campaign: UUID) -> None:
    statuses.hold(book.connection, campaign, LIVEKIT, TUESDAY)
    with pytest.raises(
        CampaignValidationError, match=r"^Campaign is not paused by an operator: Paused: LiveKit is failing$"
    ):
        statuses.resume(book.connection, campaign, TUESDAY, "go on")
    statuses.pause(book.connection, campaign, TUESDAY, "lunch")
    statuses.resume(book.connection, campaign, TUESDAY, "back")
    assert told(book, campaign) == ("paused", "Paused: LiveKit is failing", "HTTP 503")


def test_a_draft_with_a_hold_is_paused_as_soon_as_it_starts_and_says_why(book: Book) -> None:
    campaign = book.campaign(status="draft")
    book.task(campaign)
    statuses.hold(book.connection, campaign, LIVEKIT, TUESDAY)
    assert told(book, campaign)[0] == "draft"
    statuses.start(book.connection, campaign, TUESDAY, "started by hand")
    assert told(book, campaign) == ("paused", "Paused: LiveKit is failing", "HTTP 503")
    assert history(book, campaign) == [
        ("draft", "running", "started by hand", None),
        ("running", "paused", "Paused: LiveKit is failing", "HTTP 503"),
    ]
    statuses.lift(book.connection, campaign, "breaker:livekit", TUESDAY, "well")
    assert told(book, campaign) == ("running", None, None)


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_holds_do_not_wake_a_campaign_that_is_over(book: Book, status: str) -> None:
    campaign = book.campaign(status=status)
    statuses.hold(book.connection, campaign, LIVEKIT, TUESDAY)
    statuses.lift(book.connection, campaign, "breaker:livekit", TUESDAY, "well")
    assert told(book, campaign)[0] == status
    assert history(book, campaign) == []


def test_two_who_hold_and_lift_at_once_leave_the_status_that_the_holds_demand(book: Book, campaign: UUID) -> None:
    first, second = book.connect(), book.connect()

    def turn(connection: Any, hold: Hold) -> None:
        for _ in range(40):
            statuses.hold(connection, campaign, hold, TUESDAY)
            statuses.lift(connection, campaign, hold.name, TUESDAY, "well")

    together(partial(turn, first, LIVEKIT), partial(turn, second, TRUNK))
    assert told(book, campaign) == ("running", None, None)
    changes = history(book, campaign)
    assert [(old, new) for old, new, _, _ in changes] == [("running", "paused"), ("paused", "running")] * (
        len(changes) // 2
    )


# What is refused


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("running", "Campaign is already running"),
        ("paused", "Campaign is paused: it can't be started"),
        ("completed", "Campaign is completed: it can't be started"),
        ("failed", "Campaign is failed: it can't be started"),
    ],
)
def test_only_a_draft_can_be_started(book: Book, status: str, message: str) -> None:
    campaign = book.campaign(status=status)
    book.task(campaign)
    with pytest.raises(CampaignValidationError, match=f"^{message}$"):
        statuses.start(book.connection, campaign, TUESDAY, "again")
    assert (told(book, campaign)[0], history(book, campaign)) == (status, [])


def test_a_campaign_without_tasks_or_disabled_in_its_file_is_not_started(book: Book) -> None:
    campaign = book.campaign(status="draft")
    with pytest.raises(CampaignValidationError, match=r"^Campaign has no tasks: import a call list first$"):
        statuses.start(book.connection, campaign, TUESDAY, "go")
    book.task(campaign)
    statuses.hold(book.connection, campaign, CONFIG, TUESDAY)
    with pytest.raises(CampaignValidationError, match=r"^Campaign is held by its file \(enabled = false\)$"):
        statuses.start(book.connection, campaign, TUESDAY, "go")
    assert (told(book, campaign)[0], history(book, campaign)) == ("draft", [])


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("draft", "Campaign is not running"),
        ("completed", "Campaign is completed: it can't be paused"),
        ("failed", "Campaign is failed: it can't be paused"),
    ],
)
def test_only_an_active_campaign_can_be_paused(book: Book, status: str, message: str) -> None:
    campaign = book.campaign(status=status)
    with pytest.raises(CampaignValidationError, match=f"^{message}$"):
        statuses.pause(book.connection, campaign, TUESDAY, "lunch")
    assert statuses.read_holds(book.connection, campaign) == []
    assert (told(book, campaign)[0], history(book, campaign)) == (status, [])


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("draft", "Campaign is draft: it can't be resumed"),
        ("running", "Campaign is already running"),
        ("completed", "Campaign is completed: it can't be resumed"),
        ("failed", "Campaign is failed: it can't be resumed"),
    ],
)
def test_only_a_paused_campaign_can_be_resumed(book: Book, status: str, message: str) -> None:
    campaign = book.campaign(status=status)
    with pytest.raises(CampaignValidationError, match=f"^{message}$"):
        statuses.resume(book.connection, campaign, TUESDAY, "back")
    assert (told(book, campaign)[0], history(book, campaign)) == (status, [])


@pytest.mark.parametrize("status", STATUSES)
def test_a_campaign_in_any_status_can_fail_and_does_so_once(book: Book, status: str) -> None:
    campaign = book.campaign(status=status)
    for message in ("Failed: it keeps crashing", "Failed: again"):
        statuses.fail(book.connection, campaign, TUESDAY, message, "KeyError: 'x'")
    if status == "failed":
        assert history(book, campaign) == []
    else:
        assert told(book, campaign) == ("failed", "Failed: it keeps crashing", "KeyError: 'x'")
        assert history(book, campaign) == [(status, "failed", "Failed: it keeps crashing", "KeyError: 'x'")]


def test_a_campaign_that_is_not_there_is_not_found(book: Book) -> None:
    connection, nobody = book.connection, new_id()
    for change in (statuses.start, statuses.pause, statuses.resume):
        with pytest.raises(CampaignNotFoundError, match=f"^Campaign {nobody} not found$"):
            change(connection, nobody, TUESDAY, "why")
    with pytest.raises(CampaignNotFoundError):
        statuses.hold(connection, nobody, LIVEKIT, TUESDAY)
    with pytest.raises(CampaignNotFoundError):
        statuses.complete(connection, nobody, TUESDAY, schedule_over=False)


# Completion


def complete(book: Book, campaign: UUID, *, schedule_over: bool = False) -> bool:
    return statuses.complete(book.connection, campaign, TUESDAY, schedule_over=schedule_over)


def test_a_campaign_completes_only_when_no_task_can_be_dialed_any_more(book: Book, campaign: UUID) -> None:
    book.task(campaign)
    assert not complete(book, campaign)
    first, second = book.claim(campaign, 2)
    assert not complete(book, campaign)
    book.settle(campaign, (result(first), COMPLETED), (result(second), RETRY))
    assert not complete(book, campaign), "a retry is still to come"
    (again,) = book.claim(campaign, 1, TUESDAY + 30 * MINUTE)
    book.settle(campaign, (result(again), FAILED))
    assert complete(book, campaign)
    assert told(book, campaign) == ("completed", None, None)
    assert history(book, campaign) == [("running", "completed", "every task is settled", None)]
    assert not complete(book, campaign), "once"
    assert len(history(book, campaign)) == 1


def test_a_campaign_whose_time_is_over_completes_when_its_last_call_has_ended(book: Book, campaign: UUID) -> None:
    book.task(campaign)
    (task,) = book.claim(campaign, 1)
    assert not complete(book, campaign, schedule_over=True), "a call is in progress"
    book.settle(campaign, (result(task), RETRY))
    assert complete(book, campaign, schedule_over=True)
    assert history(book, campaign) == [("running", "completed", "its time is over", None)]


@pytest.mark.parametrize("schedule_over", [False, True])
def test_a_paused_campaign_does_not_complete(book: Book, campaign: UUID, schedule_over: bool) -> None:
    (task,) = book.claim(campaign, 1)
    statuses.pause(book.connection, campaign, TUESDAY, "lunch")
    book.settle(campaign, (result(task), COMPLETED))
    assert not complete(book, campaign, schedule_over=schedule_over)
    statuses.resume(book.connection, campaign, TUESDAY, "back")
    assert complete(book, campaign, schedule_over=schedule_over)


@pytest.mark.parametrize("schedule_over", [False, True])
def test_a_campaign_that_only_failing_services_pause_completes_when_nobody_is_left(
    book: Book, campaign: UUID, schedule_over: bool
) -> None:
    (task,) = book.claim(campaign, 1)
    for held in (TRUNK, LIVEKIT):
        statuses.hold(book.connection, campaign, held, TUESDAY)
    assert not complete(book, campaign, schedule_over=schedule_over), "a call is in progress"
    book.settle(campaign, (result(task), FAILED))
    assert complete(book, campaign, schedule_over=schedule_over)
    assert told(book, campaign) == ("completed", None, None)
    assert statuses.read_holds(book.connection, campaign) == []
    over = "its time is over" if schedule_over else "every task is settled"
    assert history(book, campaign)[1:] == [
        ("paused", "running", f"Nobody is left to be called: {over}", None),
        ("running", "completed", over, None),
    ]


@pytest.mark.parametrize("hold", [CONFIG, Hold("operator", "lunch")])
def test_a_pause_that_somebody_ordered_is_not_ended_by_completion(book: Book, campaign: UUID, hold: Hold) -> None:
    (task,) = book.claim(campaign, 1)
    for held in (TRUNK, hold):
        statuses.hold(book.connection, campaign, held, TUESDAY)
    book.settle(campaign, (result(task), FAILED))
    assert not complete(book, campaign)


@pytest.mark.parametrize("status", ["draft", "completed", "failed"])
def test_only_a_running_campaign_completes(book: Book, status: str) -> None:
    campaign = book.campaign(status=status)
    assert not complete(book, campaign)
    assert history(book, campaign) == []


def test_running_and_paused_campaigns_are_active_and_no_others(book: Book) -> None:
    company = book.company()
    campaigns = {status: book.campaign(company, status) for status in STATUSES}
    active = statuses.read_active(book.connection)
    assert {campaign: (row.status, row.company_id, row.failed) for campaign, row in active.items()} == {
        campaigns[status]: (status, company, False) for status in ("running", "paused")
    }


def test_a_failed_campaign_is_active_while_it_has_calls(book: Book) -> None:
    company = book.company()
    campaign = book.campaign(company)
    book.task(campaign)
    (task,) = book.claim(campaign, 1)
    statuses.fail(book.connection, campaign, TUESDAY, "Failed: on purpose", "on purpose")
    assert [row.failed for row in statuses.read_active(book.connection).values()] == [True]
    book.settle(campaign, (result(task), COMPLETED))
    assert statuses.read_active(book.connection) == {}
