"""Every metric of the service is defined here, in `catalogue`, and nowhere else.

Actors tell what they count and time through `actors.telemetry`, which `Metrics` implements; the rest is read at each
scrape from what `Metrics.watch` is given. May import actors' plain values; is imported by the process, and by HTTP.
"""

from supervisor.metrics.metrics import Metrics, Watched

__all__ = ["Metrics", "Watched"]
