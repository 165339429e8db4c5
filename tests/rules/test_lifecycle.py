"""The lifecycle of a campaign: draft → running → paused ⇄ running → completed; any → failed (product.md)."""

from __future__ import annotations

from itertools import product

import pytest

from actors.errors import CampaignValidationError
from actors.roster.lifecycle import Action, Hold, Status, TransitionRefusedError, after, status_under

ALLOWED = {
    ("draft", "start"): "running",
    ("running", "pause"): "paused",
    ("paused", "pause"): "paused",
    ("paused", "resume"): "running",
    ("running", "complete"): "completed",
    ("draft", "fail"): "failed",
    ("running", "fail"): "failed",
    ("paused", "fail"): "failed",
    ("completed", "fail"): "failed",
    ("running", "cancel"): "failed",
    ("paused", "cancel"): "failed",
}


@pytest.mark.parametrize(("status", "action"), list(product(Status, Action)))
def test_every_transition_leads_where_the_lifecycle_says_or_is_refused_by_name(status: Status, action: Action) -> None:
    expected = ALLOWED.get((status.value, action.value))
    if expected is not None:
        assert after(action, status) == expected
        return
    with pytest.raises(TransitionRefusedError) as refused:
        after(action, status)
    assert isinstance(refused.value, CampaignValidationError)
    assert (refused.value.action, refused.value.status) == (action, status)


def test_starting_a_running_campaign_says_so() -> None:
    with pytest.raises(TransitionRefusedError, match=r"^Campaign is already running$"):
        after(Action.START, Status.RUNNING)


def test_a_campaign_runs_only_while_it_has_no_hold() -> None:
    operator, breaker = Hold("operator", "lunch"), Hold("breaker:livekit", "down")
    assert status_under(Status.RUNNING, [operator]) is Status.PAUSED
    assert status_under(Status.PAUSED, [operator, breaker]) is Status.PAUSED
    assert status_under(Status.PAUSED, []) is Status.RUNNING


@pytest.mark.parametrize("status", [Status.DRAFT, Status.COMPLETED, Status.FAILED])
def test_holds_change_nothing_about_a_campaign_that_is_not_active(status: Status) -> None:
    assert status_under(status, [Hold("config", "disabled")]) is status
