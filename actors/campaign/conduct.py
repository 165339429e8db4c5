"""A campaign's rules as one: when it may call whom, and what becomes of a contact when a call ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from actors.blame import Fault
from actors.call import CallResult
from actors.campaign.retry import Retry, TaskStatus, Verdict
from actors.campaign.schedule import Places
from actors.campaign.settings import CampaignSettings
from actors.number_zones import zones_of


class Conduct:
    """What follows from a campaign's settings; made anew when they change. A plain rule: it is handed the time."""

    def __init__(self, settings: CampaignSettings) -> None:
        self.heeds_places = settings.schedule.contact_local_time
        """Whether a contact's own place must be open too."""
        self._places = Places(settings.schedule)
        self._retry = Retry(settings.retry)

    def is_open(self, now: datetime) -> bool:
        """Whether the campaign's own window is open."""
        return self._places.campaign.is_open(now)

    def next_opening(self, now: datetime) -> datetime | None:
        """The first instant from `now` on at which the campaign may call; None: never again."""
        return self._places.campaign.next_opening(now)

    def opening(self, phone_number: str, instant: datetime) -> datetime | None:
        """When this number may be called, from `instant` on: the window is open here and, if asked for, there."""
        return self._places.next_opening(instant, self._zones(phone_number))

    def closing(self, phone_number: str, instant: datetime) -> datetime | None:
        """When this number may not be called any more; None: not soon."""
        return self._places.next_closing(instant, self._zones(phone_number))

    def verdict(self, result: CallResult, chance: float, *, outage: bool) -> Verdict:
        """What becomes of the task; a retry that would fall outside its window is put at the window's opening. `chance`
        in [0, 1) is what the jitter is drawn from; `outage`: the call failed by a service that is known to fail, or by
        this process."""
        if result.fault is Fault.UNWANTED:
            return Verdict(TaskStatus.FAILED)  # whatever the rules say
        call = result.call
        verdict = self._retry.verdict(
            result.outcome, call.attempt, result.ended_at, chance, max_attempts=call.max_attempts, outage=outage
        )
        if verdict.next_attempt_at is None:
            return verdict
        opening = self.opening(call.phone_number, verdict.next_attempt_at)
        return verdict if opening is None else replace(verdict, next_attempt_at=opening)

    def _zones(self, phone_number: str) -> tuple[str, ...]:
        """Where, besides the campaign's own zone, the window must be open to call this number."""
        return zones_of(phone_number) if self.heeds_places else ()
