"""When a campaign may call (product.md, "Schedule")."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from actors.campaign.settings import ScheduleSettings

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = timedelta(days=1)
_LONGEST_CLOSED = 400
"""Days looked ahead: a campaign that has no open minute within a year and a month has none."""

_CLOSING_SOON = 4
"""Days looked at for a closing: the day before, for a window across midnight, to the day after tomorrow."""


class Schedule:
    """Open or closed at an instant, by the wall clock of the campaign's zone, across both daylight-saving changes: a
    window is a range of wall-clock minutes, whichever instants show them. Days and holidays are those on which a
    window begins, so that the small hours of a window across midnight belong to the day before."""

    def __init__(self, settings: ScheduleSettings, zone: str | None = None) -> None:
        """By the wall clock of `zone`, or of the settings' own."""
        self._settings = settings
        self._zone = ZoneInfo(zone or settings.timezone)
        self._opens = _time(settings.daily_start_time)
        self._closes = _time(settings.daily_end_time)
        self._holidays = _holidays_of(settings.holidays) if settings.holidays else None

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

    def next_closing(self, now: datetime) -> datetime | None:
        """The first instant after `now` at which it is closed; None: not within the next two days."""
        points = [] if self._settings.end_time is None else [self._settings.end_time.astimezone(UTC)]
        first = now.astimezone(self._zone).date() - _DAY
        for offset in range(_CLOSING_SOON):
            points += self._turning_points(first + offset * _DAY)
        return next((point for point in sorted(points) if point > now and not self.is_open(point)), None)

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
        """Every instant after `start` at which closed can turn into open, in order: midnights, the window's ends,
        and the zone's own jumps, which can land inside a window."""
        first = start.astimezone(self._zone).date() - _DAY
        for offset in range(_LONGEST_CLOSED):
            yield from sorted(self._turning_points(first + offset * _DAY))

    def _turning_points(self, day: date) -> set[datetime]:
        clocks = [time(0), *(clock for clock in (self._opens, self._closes) if clock is not None)]
        instants = {self._instant(day, clock, fold) for clock in clocks for fold in (0, 1)}
        jump = self._jump_on(day)
        return instants if jump is None else instants | {jump}

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


class Places:
    """A campaign's schedule here and at a contact's place: open where both are. A contact whose place has several
    zones, or whose number does not tell one of them, is called only when the window is open in all of them; one whose
    number tells no place at all, by the campaign's own zone."""

    def __init__(self, settings: ScheduleSettings) -> None:
        self.campaign = Schedule(settings)
        self._settings = settings
        self._by_zone: dict[str, Schedule] = {}
        self._open: dict[tuple[str, ...], tuple[datetime, datetime | None]] = {}  # zones → from, until
        self._closed: dict[tuple[str, ...], tuple[datetime, datetime | None]] = {}  # zones → from, until

    def next_opening(self, now: datetime, zones: Sequence[str]) -> datetime | None:
        """The first instant from `now` on at which the campaign and all these zones are open; None: never again."""
        # Thousands of contacts share few sets of zones, and of a closed one the answer stays the same for hours.
        key = tuple(zones)
        since, until = self._closed.get(key, (now, now))
        if since <= now and (until is None or now < until):
            return until
        opening = self._find_opening(now, zones)
        if opening != now:
            self._closed[key] = now, opening
        return opening

    def next_closing(self, now: datetime, zones: Sequence[str]) -> datetime | None:
        """The first instant after `now` at which the campaign or one of these zones is closed; None: not soon."""
        key = tuple(zones)
        since, until = self._open.get(key, (now, now))
        if not (since <= now and (until is None or now < until)) or now - since > _DAY:
            schedules = [self.campaign, *(self._in_zone(zone) for zone in zones)]
            until = min((end for schedule in schedules if (end := schedule.next_closing(now))), default=None)
            self._open[key] = now, until
        return until

    def _find_opening(self, now: datetime, zones: Sequence[str]) -> datetime | None:
        schedules = [self.campaign, *(self._in_zone(zone) for zone in zones)]
        instant, horizon = now, now + _LONGEST_CLOSED * _DAY
        while instant <= horizon:
            latest = instant
            for schedule in schedules:
                opening = schedule.next_opening(instant)
                if opening is None:
                    return None
                latest = max(latest, opening)
            if latest == instant:
                return instant
            instant = latest
        return None

    def _in_zone(self, zone: str) -> Schedule:
        if zone not in self._by_zone:
            self._by_zone[zone] = Schedule(self._settings, zone)
        return self._by_zone[zone]


def _holidays_of(country: str) -> Container[date]:
    from holidays import country_holidays  # only where a campaign keeps holidays: it is slow to import

    return country_holidays(country)


def _time(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)
