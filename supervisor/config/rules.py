"""What the service's file says, as the rules and actors that go by it take it."""

from __future__ import annotations

from datetime import timedelta

from actors.breakers.breaker import BreakerLimits
from actors.jobs.pace import JobPace
from actors.limiter import CallLimits
from actors.recording.rules import Rules
from supervisor.config.service import BreakerSettings, JobSettings, RecordingsSettings, TrunkSettings

_PROBE_WITHIN = timedelta(seconds=60)
"""An agent that is to show that it works again may take longer than one for whom somebody waits on the line."""
_LONGEST_RETRY_DELAY = timedelta(hours=1)


def trunk_limits(trunk: TrunkSettings) -> CallLimits:
    """A trunk's limits, as its actor takes them."""
    return CallLimits(trunk.max_concurrent_calls, trunk.calls_per_minute, trunk.calls_per_second)


def breaker_limits(settings: BreakerSettings) -> BreakerLimits:
    """When breakers open, and for how long, as their actor takes it."""
    return BreakerLimits(
        failure_rate=settings.failure_rate,
        minimum_calls=settings.minimum_calls,
        window=timedelta(seconds=settings.window_s),
        open_for=timedelta(seconds=settings.open_s),
        max_open_for=timedelta(seconds=settings.max_open_s),
        probe_within=_PROBE_WITHIN,
    )


def jobs_pace(settings: JobSettings) -> JobPace:
    """How jobs are worked, as their actor takes it."""
    return JobPace(
        batch_size=settings.batch_size,
        pause=timedelta(seconds=settings.pause_s),
        most_attempts=settings.attempts,
        retry_delay=timedelta(seconds=settings.retry_delay_s),
        longest_retry_delay=_LONGEST_RETRY_DELAY,
        at_once=settings.at_once,
    )


def recording_rules(settings: RecordingsSettings) -> Rules:
    """How recordings are fetched and kept."""
    return Rules(
        attempts=settings.attempts,
        retry_delay=timedelta(seconds=settings.retry_delay_s),
        max_retry_delay=timedelta(seconds=settings.max_retry_delay_s),
        egress_timeout=timedelta(seconds=settings.egress_timeout_s),
        most_downloads=settings.max_downloads,
        delete_from_source=settings.delete_from_source,
    )
