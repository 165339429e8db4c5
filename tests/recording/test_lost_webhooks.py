"""The net for lost webhooks: LiveKit is asked for recordings of which nothing was heard, and for no others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from actors.addresses import RECORDING, Directory
from actors.recording.messages import Egress, EgressFound, EgressLookFailed, EgressStarted, EgressState
from actors.recording.rules import LOOK_EVERY
from tests.manual_clock import ManualClock
from tests.recording.shelf import Fetcher, Shelf, Source, pass_time
from tests.waiting import wait_until
from tests.world import TUESDAY


class LiveKit:
    """Stands in for the gateway: every recording is under way, when it can be asked. Knows what it was asked for."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.found: Counter[UUID] = Counter()
        self.recorded: Counter[UUID] = Counter()
        self.away = False

    def find_egress(self, call_id: UUID) -> None:
        self.found[call_id] += 1
        egress = Egress(call_id, "EG_1", EgressState.UNDER_WAY)
        self._directory.tell(
            RECORDING, EgressLookFailed(call_id, "it is away") if self.away else EgressFound(call_id, egress)
        )

    def record(self, call_id: UUID, *, look_first: bool) -> None:
        assert look_first
        self.recorded[call_id] += 1
        self._directory.tell(RECORDING, EgressStarted(call_id, "EG_2"))


@pytest.fixture
def fetcher(shelf: Shelf, clock: ManualClock) -> Iterator[Fetcher]:
    made = Fetcher(shelf, Source(shelf).open, clock, livekit=LiveKit)
    yield made
    made.close()


def expect(shelf: Shelf, *, over: int = 0, recorded: int = 0, unrecorded: int = 0) -> list[list[UUID]]:
    """Recordings that are expected: so many of calls that are over, of calls that are up and recorded, and of calls
    that are up and not recorded. Those that are up were answered first."""
    calls = shelf.add(shelf.company(), [b""] * (over + recorded + unrecorded))
    up, ended = calls[: recorded + unrecorded], calls[recorded + unrecorded :]
    shelf.connection.execute(
        "UPDATE recordings SET state = 'expected', ready_at = NULL, source_bytes = NULL,"
        " egress_id = CASE WHEN call_id = ANY(%s) THEN NULL ELSE 'EG_1' END",
        (up[recorded:],),
    )
    shelf.connection.execute("UPDATE calls SET ended_at = %s", (TUESDAY - timedelta(seconds=20),))
    shelf.connection.execute(
        "UPDATE calls SET state = 'answered', outcome = NULL, ended_at = NULL WHERE id = ANY(%s)", (up,)
    )
    shelf.connection.execute(
        "UPDATE recordings SET next_attempt_at = next_attempt_at - interval '1 hour' WHERE call_id = ANY(%s)", (up,)
    )
    return [ended, up[:recorded], up[recorded:]]


def test_all_recordings_of_calls_that_are_over_are_asked_for_however_many_are_up(
    shelf: Shelf, clock: ManualClock, fetcher: Fetcher
) -> None:
    over, _, unrecorded = expect(shelf, over=120, recorded=200, unrecorded=60)
    fetcher.start()
    asked = fetcher.gateway
    wait_until(lambda: (len(asked.found), len(asked.recorded)) == (120, 60), what="all to be asked for at once")
    assert asked.found == Counter(over) and asked.recorded == Counter(unrecorded)
    clock.advance(LOOK_EVERY + timedelta(seconds=1))
    wait_until(lambda: asked.found == Counter(over * 2), what="all to be asked for again")


def test_a_recording_has_a_moment_to_be_told_of_before_it_is_asked_for(
    shelf: Shelf, clock: ManualClock, fetcher: Fetcher
) -> None:
    (late, fresh), _, _ = expect(shelf, over=2)
    shelf.connection.execute("UPDATE calls SET ended_at = %s WHERE id = %s", (TUESDAY, fresh))
    fetcher.start()
    wait_until(lambda: fetcher.gateway.found)
    assert fetcher.gateway.found == Counter([late])
    pass_time(clock, lambda: fresh in fetcher.gateway.found)


def test_a_livekit_that_is_away_is_not_asked_for_one_recording_after_the_other(
    shelf: Shelf, clock: ManualClock, fetcher: Fetcher
) -> None:
    expect(shelf, over=120)
    fetcher.gateway.away = True
    fetcher.start()
    wait_until(lambda: len(fetcher.gateway.found) == 50)
    clock.advance(timedelta(seconds=10))
    wait_until(lambda: len(fetcher.gateway.found) == 100)
    assert set(fetcher.gateway.found.values()) == {1}
