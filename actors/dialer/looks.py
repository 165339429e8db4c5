"""How often LiveKit is asked who is in a call's room: the net for lost webhooks."""

from __future__ import annotations

from datetime import timedelta

LOOK_SOON = timedelta(seconds=2)
"""How soon it is asked again while it is not clear whether the phone rings, or whether an agent has come."""
_EVERY = timedelta(seconds=15)
_APART = timedelta(milliseconds=20)
_FIRST_APART = timedelta(milliseconds=5)
_FIRST_AT_ONCE = 100


def look_every(calls: int) -> timedelta:
    """How long a call in progress is left alone, where so many are: 15 s, and longer for more than 750, since there is
    one look in 20 ms at most. Each takes the event loop about a millisecond: ten thousand calls, each looked at
    every 15 s, would take two thirds of its time."""
    return max(_EVERY, _APART * calls)


def first_look_after(calls: int) -> timedelta:
    """How long a call that is taken over with others waits for its first look, where so many are followed already.
    After a start all are taken over at once, and from then on webhooks find their dialers: that must not wait for a
    thousand looks, each of which takes the event loop longer. Beyond the first hundred there are 200 looks a second."""
    return max(calls - _FIRST_AT_ONCE, 0) * _FIRST_APART
