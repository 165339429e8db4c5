"""When a campaign may call (product.md, "Schedule")."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays as holiday_calendars

from actors.campaign.settings import ScheduleSettings

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_LONGEST_CLOSED = 400
"""Days looked ahead: a campaign that has no open minute within a year and a month has none."""


class Schedule:
    """Open or closed at an instant, by the wall clock of the campaign's zone, across both daylight-saving changes: a
    window is a range of wall-clock minutes, whichever instants show them. Days and holidays are those on which a
    window begins, so that the small hours of a window across midnight belong to the day before."""

    def __init__(self, settings: ScheduleSettings) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._opens = _time(settings.daily_start_time)
        self._closes = _time(settings.daily_end_time)
        self._holidays = holiday_calendars.country_holidays(settings.holidays) if settings.holidays else None

    def is_open(self, instant: datetime) -> bool:
        """Whether a call may begin at `instant` (aware)."""
        if self._settings.start_time is not None and instant < self._settings.start_time:
            return False
        if self._settings.end_time is not None and instant >= self._settings.end_time:
            return False
        local = instant.astimezone(self._zone)
        began_on = self._window_day(local)
        return began_on is not None and self._is_calling_day(began_on)

    def next_opening(self, now: datetime) -> datetime | None:
        """The first instant from `now` on at which it is open, `now` itself if it is; None: never again."""
        if self.is_open(now):
            return now
        start = now
        if self._settings.start_time is not None and self._settings.start_time > now:
            start = self._settings.start_time.astimezone(UTC)
            if self.is_open(start):
                return start
        for instant in self._possible_openings(start):
            if self._settings.end_time is not None and instant >= self._settings.end_time:
                return None
            if instant > start and self.is_open(instant):
                return instant
        return None

    def _window_day(self, local: datetime) -> date | None:
        """The day on which the window that holds this wall-clock minute began; None outside the window."""
        if self._opens is None or self._closes is None:
            return local.date()
        clock = local.time()
        if self._opens < self._closes:
            return local.date() if self._opens <= clock < self._closes else None
        if clock >= self._opens:
            return local.date()
        return local.date() - _DAY if clock < self._closes else None

    def _is_calling_day(self, day: date) -> bool:
        if self._settings.days is not None and _DAYS[day.weekday()] not in self._settings.days:
            return False
        return self._holidays is None or day not in self._holidays

    def _possible_openings(self, start: datetime) -> Iterator[datetime]:
        """Every instant after `start` at which closed can turn into open, in order: midnights, the window's start,
        and the zone's own jumps, which can land inside a window."""
        first = start.astimezone(self._zone).date() - _DAY
        for offset in range(_LONGEST_CLOSED):
            day = first + offset * _DAY
            instants = {self._instant(day, time(0), fold) for fold in (0, 1)}
            if self._opens is not None:
                instants |= {self._instant(day, self._opens, fold) for fold in (0, 1)}
            jump = self._jump_on(day)
            if jump is not None:
                instants.add(jump)
            yield from sorted(instants)

    def _instant(self, day: date, clock: time, fold: int) -> datetime:
        return datetime.combine(day, clock, self._zone).replace(fold=fold).astimezone(UTC)

    def _jump_on(self, day: date) -> datetime | None:
        """The instant on this day at which the zone's offset changes, to the second; None on all but a few days."""
        low, high = self._instant(day, time(0), 0), self._instant(day + _DAY, time(0), 0)
        before = low.astimezone(self._zone).utcoffset()
        if before == high.astimezone(self._zone).utcoffset():
            return None
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) // 2
            middle = middle.replace(microsecond=0)
            if middle in (low, high):
                break
            if middle.astimezone(self._zone).utcoffset() == before:
                low = middle
            else:
                high = middle
        return high


def _time(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)
