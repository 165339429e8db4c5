"""When a campaign may call, against a slow minute-by-minute oracle (product.md, "Schedule")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.campaign.schedule import Places, Schedule
from actors.campaign.settings import ScheduleSettings

MINUTE = timedelta(minutes=1)
ZONES = [
    "Europe/Berlin", "Europe/London", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Tehran",
    "America/Santiago", "Pacific/Auckland", "Africa/Casablanca", "Asia/Beirut", "America/Havana", "Atlantic/Azores",
    "Europe/Moscow", "Asia/Kathmandu",
]  # fmt: skip
WINDOWS = [("09:00", "21:00"), ("22:30", "02:30"), ("01:30", "02:45"), ("00:00", "00:30"), ("02:15", "02:20")]


def schedule(**settings: Any) -> Schedule:
    return Schedule(ScheduleSettings(**settings))


def oracle(settings: ScheduleSettings, instant: datetime) -> bool:
    """The rule as a person would say it, looking at the wall's clock."""
    local = instant.astimezone(ZoneInfo(settings.timezone))
    clock = f"{local:%H:%M}"
    opens, closes = settings.daily_start_time, settings.daily_end_time
    day = local.date()
    if opens is not None and closes is not None:
        if opens < closes:
            if not opens <= clock < closes:
                return False
        elif clock < closes:
            day -= timedelta(days=1)
        elif clock < opens:
            return False
    return settings.days is None or f"{day:%a}".lower() in settings.days


def offset_changes(zone: str, year: int) -> list[datetime]:
    """Days around each change of the zone's offset; an ordinary day for a zone that has none."""
    start = datetime(year, 1, 1, tzinfo=UTC)
    offsets = [(start + timedelta(days=n)).astimezone(ZoneInfo(zone)).utcoffset() for n in range(366)]
    changes = [start + timedelta(days=n) for n in range(1, 366) if offsets[n] != offsets[n - 1]]
    return changes or [datetime(year, 6, 1, tzinfo=UTC)]


@pytest.mark.parametrize("zone", ZONES)
def test_law_open_exactly_when_the_wall_clock_says_so_and_next_opening_is_the_first_open_minute(zone: str) -> None:
    for opens, closes in WINDOWS:
        for days in (None, ("sun",)):
            settings = ScheduleSettings(timezone=zone, daily_start_time=opens, daily_end_time=closes, days=days)
            rule = Schedule(settings)
            for change in offset_changes(zone, 2018):
                minutes = [change - timedelta(hours=30) + MINUTE * n for n in range(42 * 60)]
                expected = [oracle(settings, minute) for minute in minutes]
                assert [rule.is_open(minute) for minute in minutes] == expected
                closing: datetime | None = None
                for minute, is_open in zip(reversed(minutes), reversed(expected), strict=True):
                    closing = closing if is_open else minute
                    if closing is not None and is_open and minute.minute % 29 == 0:
                        assert rule.next_closing(minute) == closing, f"{zone} {opens}-{closes} {days} from {minute}"
                following: datetime | None = None
                for minute, is_open in zip(reversed(minutes), reversed(expected), strict=True):
                    following = minute if is_open else following
                    if following is not None and minute.minute % 29 == 0:
                        assert rule.next_opening(minute) == following, f"{zone} {opens}-{closes} {days} from {minute}"


def test_what_is_not_given_does_not_restrict() -> None:
    assert schedule().is_open(datetime(2026, 1, 1, 3, 33, tzinfo=UTC))


def test_nothing_before_the_start_and_nothing_from_the_end_on() -> None:
    start, end = datetime(2026, 12, 1, 10, 30, 30, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)
    rule = schedule(start_time=start, end_time=end)
    assert not rule.is_open(start - timedelta(microseconds=1))
    assert rule.next_opening(start - timedelta(days=40)) == start
    assert rule.is_open(end - timedelta(microseconds=1))
    assert not rule.is_open(end)
    assert rule.next_opening(end) is None


def test_a_start_outside_the_window_waits_for_the_window() -> None:
    rule = schedule(
        timezone="Europe/Moscow",
        daily_start_time="09:00",
        daily_end_time="21:00",
        start_time=datetime(2026, 12, 1, 20, 0, tzinfo=UTC),
    )
    assert rule.next_opening(datetime(2026, 11, 1, tzinfo=UTC)) == datetime(2026, 12, 2, 6, 0, tzinfo=UTC)


def test_nobody_is_called_on_a_holiday_and_the_night_before_it_belongs_to_its_own_day() -> None:
    rule = schedule(timezone="Europe/Moscow", daily_start_time="20:00", daily_end_time="02:00", holidays="RU")
    moscow = ZoneInfo("Europe/Moscow")
    assert rule.is_open(datetime(2026, 2, 23, 1, 0, tzinfo=moscow))  # began on the 22nd
    assert not rule.is_open(datetime(2026, 2, 23, 21, 0, tzinfo=moscow))
    assert not rule.is_open(datetime(2026, 2, 24, 1, 0, tzinfo=moscow))  # began on the holiday
    assert rule.next_opening(datetime(2026, 2, 23, 2, 0, tzinfo=moscow)) == datetime(2026, 2, 24, 20, 0, tzinfo=moscow)


def test_an_end_that_leaves_no_open_minute_means_never() -> None:
    rule = schedule(days=["sun"], end_time=datetime(2026, 12, 5, tzinfo=UTC))  # a Saturday
    assert rule.next_opening(datetime(2026, 12, 1, tzinfo=UTC)) is None


def test_the_end_of_a_window_at_midnight() -> None:
    rule = schedule(daily_start_time="09:00", daily_end_time="00:00")
    assert rule.is_open(datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC))
    assert not rule.is_open(datetime(2026, 12, 2, 0, 0, tzinfo=UTC))


def test_a_contact_is_called_only_when_the_window_is_open_in_both_places() -> None:
    settings = ScheduleSettings(timezone="Europe/Moscow", daily_start_time="09:00", daily_end_time="21:00")
    places = Places(settings)
    nine_in_moscow = datetime(2026, 12, 1, 6, 0, tzinfo=UTC)
    assert places.next_opening(nine_in_moscow, []) == nine_in_moscow
    assert places.next_opening(nine_in_moscow, ["Asia/Vladivostok"]) == nine_in_moscow  # 16:00 there
    assert places.next_opening(nine_in_moscow, ["Europe/Lisbon"]) == datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    noon_in_moscow = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)  # night in Vladivostok by now
    assert places.next_opening(noon_in_moscow, ["Asia/Vladivostok"]) == datetime(2026, 12, 2, 6, 0, tzinfo=UTC)


def test_a_contact_whose_zones_are_never_open_together_is_never_called() -> None:
    settings = ScheduleSettings(timezone="Europe/London", daily_start_time="09:00", daily_end_time="10:00")
    assert Places(settings).next_opening(datetime(2026, 12, 1, tzinfo=UTC), ["Asia/Tokyo"]) is None


@given(
    hours=st.integers(0, 24 * 14),
    zones=st.lists(st.sampled_from(ZONES), max_size=3),
    window=st.sampled_from([("09:00", "21:00"), ("20:00", "04:00"), ("12:00", "15:30")]),
)
@settings(max_examples=60, deadline=None)
def test_law_a_common_opening_is_the_first_minute_at_which_every_place_is_open(
    hours: int, zones: list[str], window: tuple[str, str]
) -> None:
    rule = {"daily_start_time": window[0], "daily_end_time": window[1], "days": ("mon", "tue", "thu", "sat")}
    everywhere = [ScheduleSettings(timezone=zone, **rule) for zone in ["Europe/Berlin", *zones]]
    start = datetime(2026, 3, 20, tzinfo=UTC) + timedelta(hours=hours)
    minutes = (start + MINUTE * n for n in range(8 * 24 * 60))
    expected = next((m for m in minutes if all(oracle(one, m) for one in everywhere)), None)
    found = Places(everywhere[0]).next_opening(start, zones)
    assert found == expected or (expected is None and (found is None or found >= start + timedelta(days=8)))


def test_what_is_always_open_does_not_close_soon_and_what_ends_closes_then() -> None:
    now, end = datetime(2026, 12, 1, 9, 0, tzinfo=UTC), datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    assert schedule().next_closing(now) is None
    assert schedule(end_time=end).next_closing(now) == end
    places = Places(ScheduleSettings(timezone="Europe/Moscow", daily_start_time="09:00", daily_end_time="21:00"))
    assert places.next_closing(now, []) == datetime(2026, 12, 1, 18, 0, tzinfo=UTC)
    assert places.next_closing(now, ["Asia/Vladivostok"]) == datetime(2026, 12, 1, 11, 0, tzinfo=UTC)
