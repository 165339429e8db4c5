"""How a campaign is to be run: the tables of a campaign file, and the same from its row in `campaigns`.

One definition serves the file's reader (`supervisor.config`) and the actor, so that the two can't drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from actors.outcomes import Outcome

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

_TIME = re.compile(r"^([01][0-9]|2[0-3]):[0-5][0-9]$")


def _time_of_day(value: str) -> str:
    if not _TIME.fullmatch(value):
        raise ValueError(f"Invalid time format: {value!r} is not HH:MM")
    return value


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        raise ValueError(f"Unknown time zone: {value!r} is not an IANA name such as 'Europe/Moscow'")
    return value


@cache
def _time_zones() -> frozenset[str]:
    """Looked up once: it reads hundreds of files, and every campaign has a zone."""
    return frozenset(available_timezones())


def _some_day(value: tuple[Day, ...]) -> tuple[Day, ...]:
    if not value:
        raise ValueError("not a single day; leave it out to call on every day")
    return value


def _holiday_country(value: str) -> str:
    from holidays import list_supported_countries  # only where a campaign keeps holidays: it is slow to import

    if value not in list_supported_countries(include_aliases=False):
        raise ValueError(f"No holidays are known for {value!r}; give a country's ISO code such as 'RU'")
    return value


TimeOfDay = Annotated[
    str, AfterValidator(_time_of_day), Field(json_schema_extra={"pattern": _TIME.pattern, "examples": ["09:00"]})
]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Days = Annotated[tuple[Day, ...], Field(strict=False, json_schema_extra={"minItems": 1}), AfterValidator(_some_day)]
HolidayCountry = Annotated[str, AfterValidator(_holiday_country)]
Positive = Annotated[int, Field(gt=0, le=1_000_000)]
Minutes = Annotated[float, Field(ge=0, le=525_600, allow_inf_nan=False)]


class Settings(BaseModel):
    """A table of a configuration file: unknown keys and wrong types are errors, and nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Limits(Settings):
    """How many calls a campaign may have, and begin. What is not given does not limit."""

    max_concurrent_calls: Positive | None = None
    """Calls of this campaign in progress at once."""
    calls_per_minute: Positive | None = None
    """Calls of this campaign begun in any window of 60 s, wherever it starts."""
    max_abandon_rate: Annotated[float, Field(gt=0, le=1)] = 0.03
    """Share of answered calls that no agent joins, of the latest 1000 in 24 hours: the campaign slows down before."""


class ScheduleSettings(Settings):
    """When a campaign may call. What is not given does not restrict."""

    timezone: TimeZone = "UTC"
    """The IANA zone of the daily window, the days and the holidays."""
    daily_start_time: TimeOfDay | None = None
    """First minute of the daily window, HH:MM on the zone's wall clock."""
    daily_end_time: TimeOfDay | None = None
    """First minute after the daily window; earlier than its start: the window crosses midnight."""
    days: Days | None = None
    """Days of the week on which a window may begin."""
    holidays: HolidayCountry | None = None
    """Country (ISO code) on whose public holidays no window begins."""
    contact_local_time: bool = False
    """Also require the window at the contact's own place, from their number's region."""
    start_time: AwareDatetime | None = None
    """No call before this instant."""
    end_time: AwareDatetime | None = None
    """No call at or after this instant."""

    @model_validator(mode="after")
    def _windows_make_sense(self) -> ScheduleSettings:
        if (self.daily_start_time is None) != (self.daily_end_time is None):
            raise ValueError("daily_start_time and daily_end_time are given together or not at all")
        if self.daily_start_time is not None and self.daily_start_time == self.daily_end_time:
            raise ValueError("daily_start_time and daily_end_time are the same: the window would never be open")
        if self.start_time is not None and self.end_time is not None and self.start_time >= self.end_time:
            raise ValueError("end_time is not after start_time")
        return self


class RetrySettings(Settings):
    """When a contact who was not reached is called again."""

    max_retries: Positive = 3
    """Attempts in all: with 2, the second failed attempt is the last."""
    retry_delay_minutes: Minutes = 30
    """Delay before the second attempt."""
    backoff: Literal["exponential", "fixed"] = "exponential"
    """exponential: the delay doubles with every attempt; fixed: it stays."""
    max_delay_minutes: Minutes = 1440
    """No delay is longer than this."""
    jitter: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share by which a delay varies at random, up or down."""
    outcomes: dict[Annotated[Outcome, Field(strict=False)], Minutes | Literal["never"]] = Field(default_factory=dict)
    """An outcome's own rule: minutes until the next attempt, or "never"."""


class CallSettings(Settings):
    """One call."""

    ringing_timeout_s: Annotated[int, Field(ge=5, le=60)] = 30
    """How long a phone rings before the call is no_answer."""
    max_call_duration_s: Annotated[int, Field(ge=10, le=86_400)] = 600
    """LiveKit ends a longer call."""
    agent_timeout_s: Annotated[float, Field(gt=0, le=60)] = 2
    """An answered call that no agent has joined by then is hung up as agent_failed."""


class RecordingSettings(Settings):
    """Whether calls are recorded."""

    enabled: bool = False


class CampaignSettings(Settings):
    """Everything about a campaign's conduct that can change while it runs."""

    limits: Limits = Limits()
    schedule: ScheduleSettings = ScheduleSettings()
    retry: RetrySettings = RetrySettings()
    call: CallSettings = CallSettings()
    recording: RecordingSettings = RecordingSettings()


def settings_tables(row: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tables of CampaignSettings from a row of `campaigns`, as they stand there: whether they make sense is not
    looked at."""

    def table(*keys: str) -> dict[str, Any]:
        return {key: row[key] for key in keys}

    return {
        "limits": {
            **table("max_concurrent_calls", "calls_per_minute"),
            "max_abandon_rate": float(row["max_abandon_rate"]),
        },
        "schedule": table(
            "timezone", "daily_start_time", "daily_end_time", "days", "holidays", "contact_local_time",
            "start_time", "end_time",
        ),
        "retry": {
            **table("max_retries", "backoff"),
            "retry_delay_minutes": float(row["retry_delay_minutes"]),
            "max_delay_minutes": float(row["max_delay_minutes"]),
            "jitter": float(row["jitter"]),
            "outcomes": row["retry_outcomes"],
        },
        "call": {
            **table("ringing_timeout_s", "max_call_duration_s"),
            "agent_timeout_s": float(row["agent_timeout_s"]),
        },
        "recording": {"enabled": row["recording_enabled"]},
    }  # fmt: skip
