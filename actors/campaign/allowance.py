"""How many calls a campaign may begin now, by everything that stands in its way but the work itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from actors.blame import Fault
from actors.call import CallResult
from actors.campaign.abandonment import Abandonment
from actors.campaign.ahead import Ahead
from actors.campaign.conduct import Conduct
from actors.campaign.settings import Limits
from actors.limiter import UNLIMITED, CallLimits, Limiter
from actors.outcomes import Outcome
from actors.services import LIVEKIT, trunk_service
from actors.telemetry import Standing

CLAIM_MOST = 500
"""Tasks claimed at once; only a campaign without limits on a trunk without limits ever meets this."""


@dataclass(frozen=True)
class Headroom:
    """How many calls may begin; where none may, what that waits for."""

    calls: int
    promised: int = 0  # slots besides them, for those who wait and are nearly ready
    ahead: int = 0  # how many more may be made ready, to wait for a slot
    opens_at: datetime | None = None  # where time alone will make room
    shut: bool = False  # nobody is to be called now, whatever ends: who waits for room waits in vain
    over: bool = False  # there will never be room again


NO_HEADROOM = Headroom(0, shut=True)


class Allowance:
    """Its status and holds, its window, its limits, the services that it needs, and those who answered and found no
    agent. A plain rule: it is told what happens, and handed the time."""

    def __init__(self, limits: Limits, answered: Iterable[tuple[datetime, bool]] = ()) -> None:
        """`answered`: for each answered call of late when, and whether it was not abandoned."""
        self.limiter = Limiter(CallLimits())
        self.ahead = Ahead()
        self.failing: frozenset[str] = frozenset()
        """Services whose breakers are not closed."""
        self.draining = False
        """The process begins nothing new."""
        self.leaving = False
        """Another supervisor is to have the campaign."""
        self._running = False
        self._held_by: frozenset[str] = frozenset()
        self._needs: frozenset[str] = frozenset()
        self._limits = limits
        self._early = False
        self._abandonment = Abandonment(limits.max_abandon_rate, answered)
        self._most_at_once = 1

    def follow(
        self,
        *,
        running: bool,
        held_by: frozenset[str],
        needs: frozenset[str],
        early: bool,
        limits: Limits,
        conduct: Conduct,
    ) -> None:
        """What the campaign's row says from now on. `held_by` names the services whose breakers hold it, if nothing
        else does; `needs` all that it needs; `early` whether calls may be made ready before there is room for them."""
        self._running, self._held_by, self._needs, self._early = running, held_by, needs, early
        self._limits, self._conduct = limits, conduct
        self.limiter.limits = CallLimits(limits.max_concurrent_calls, limits.calls_per_minute)
        self._abandonment.max_abandon_rate = limits.max_abandon_rate

    def headroom(self, now: datetime) -> Headroom:
        """How many calls may begin now."""
        headroom = self._headroom(now)
        if not self._running or self.failing & self._needs:
            # Behind a failing service a campaign's time is over all the same; a pause that somebody ordered is left.
            return headroom if headroom.over and (self._running or self._held_by) else NO_HEADROOM
        return headroom

    def rests_until(self, now: datetime) -> datetime | None:
        """When its window opens, if until then time alone changes nothing: no call is in progress, or was begun within
        the last minute. None: it does not rest."""
        headroom = self.headroom(now)
        restless = self.limiter.in_progress or self.limiter.begun_within_a_minute(now)
        return headroom.opens_at if headroom.shut and not restless else None

    def headroom_for_probe(self, service: str, now: datetime) -> Headroom:
        """How many calls might begin, if only `service` worked: one of them may, to see if it does again."""
        if not self._running and not self._held_by:
            return NO_HEADROOM
        headroom = self._headroom(now)
        others = (self._held_by | self.failing & self._needs) - {service}
        return replace(headroom, calls=0) if others else headroom

    def met_an_outage(self, result: CallResult) -> bool:
        """Whether a call failed by a service that is known to fail, by any when it was made to see whether one still
        does, or by this process. That a number does not exist is the trunk's word, which is worth nothing then."""
        match result.fault:
            case Fault.OURS:
                return True
            case Fault.LIVEKIT:
                service = LIVEKIT
            case Fault.TRUNK | Fault.LIST:
                service = trunk_service(result.call.trunk)
            case _:
                return False
        return service in self.failing or result.call.probe is not None

    def note_end(self, result: CallResult, now: datetime) -> tuple[float, bool]:
        """A call is over: the share of answered calls that were abandoned, and whether fewer are allowed for it."""
        before = self._abandonment.allowed(now)
        if result.answered_at is not None and result.outcome is not Outcome.INTERRUPTED:
            self._abandonment.note(result.answered_at, not result.is_abandoned)
        return self._abandonment.share(now), self._abandonment.allowed(now) < before

    def abandon_share(self, now: datetime) -> float:
        """The share of answered calls, of late, that were abandoned; 0 to 1."""
        return self._abandonment.share(now)

    def standing(self, now: datetime, permits_wanted: int) -> Standing:
        """For whoever watches the campaign."""
        return Standing(
            in_progress=self.limiter.in_progress,
            begun=self.limiter.begun_within_a_minute(now),
            limits=self.limiter.limits,
            max_abandon_rate=self._limits.max_abandon_rate,
            schedule_open=self._conduct.is_open(now),
            permits_wanted=permits_wanted,
        )

    def _headroom(self, now: datetime) -> Headroom:
        """As if it ran and nothing failed."""
        if self.draining or self.leaving:
            return NO_HEADROOM
        opening = self._conduct.next_opening(now)
        if opening is None:
            return Headroom(0, shut=True, over=True)
        if opening > now:
            return Headroom(0, opens_at=opening, shut=True)
        room = self.limiter.room(now)
        opens_at = self.limiter.next_room(now) if room == 0 else None
        ahead = self._room_ahead(now) if opens_at is None else 0
        return Headroom(min(room, self._room_for_answers(now)), ahead=ahead, opens_at=opens_at)

    def _room_ahead(self, now: datetime) -> int:
        """None where not every slot may be used, and where nothing limits."""
        slots = self._limits.max_concurrent_calls
        if not self._early or slots is None or self._abandonment.allowed(now) < 1:
            return 0
        return self.ahead.wanted(slots, now)

    def _room_for_answers(self, now: datetime) -> int:
        """As many as agents can be expected for: fewer while too many who answer find none."""
        self._most_at_once = max(self._most_at_once, self.limiter.in_progress)
        if self._abandonment.allowed(now) == 1:
            return UNLIMITED
        most = self._limits.max_concurrent_calls or self._most_at_once
        return max(self._abandonment.most_calls(most, now) - self.limiter.in_progress, 0)
