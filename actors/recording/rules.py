"""When a recording is tried again, and when it is given up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

LOOK_EVERY = timedelta(seconds=30)
"""How often LiveKit is asked for a recording whose call is over: the net for lost webhooks."""
HEARD_WITHIN = timedelta(seconds=5)
"""So soon after its call a webhook usually tells of its recording: until then LiveKit is not asked for it."""
ASK_AGAIN = timedelta(seconds=5)
"""How soon LiveKit is asked again to record a call."""
NONE_AFTER = timedelta(seconds=60)
"""So long after its call a recording that LiveKit does not know of will not come any more."""


@dataclass(frozen=True)
class Rules:
    """How recordings are treated; times are the clock's."""

    attempts: int = 8
    """Downloads of one recording, in all; those that fail by a store which is known to fail are none of them."""
    retry_delay: timedelta = timedelta(seconds=10)
    """Before the second; doubles with each."""
    max_retry_delay: timedelta = timedelta(hours=1)
    jitter: float = 0.2
    """Share by which a delay varies at random, up or down."""
    egress_timeout: timedelta = timedelta(minutes=15)
    """How long after its call LiveKit's recording may still be under way."""
    most_downloads: int = 12
    """At once, in this process, over all companies."""
    transcript_attempts: int = 3
    delete_from_source: bool = True
    """Once it is stored."""

    def delay(self, attempt: int, chance: float) -> timedelta:
        """How long to wait after the `attempt`-th failure; `chance` in [0, 1)."""
        doublings = min(attempt - 1, 40)
        seconds = min(self.retry_delay.total_seconds() * 2.0**doublings, self.max_retry_delay.total_seconds())
        return timedelta(seconds=seconds * (1 + self.jitter * (2 * chance - 1)))

    def patience(self, known: bool) -> timedelta:
        """How long after its call a recording is waited for that is not complete; `known` to LiveKit, or not."""
        return self.egress_timeout if known else NONE_AFTER
