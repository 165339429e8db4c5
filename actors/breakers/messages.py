"""What the breakers are told, and what they say to those whom it concerns. Services are named by `actors.services`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from actors.addresses import Address
from actors.breakers.breaker import BreakerLimits, Result
from actors.call import Call

# To the breakers; besides these, Calls tells them `CallEnded` (actors.campaign.messages) of every call


@dataclass(frozen=True)
class CallAnswered:
    """From a dialer: somebody took the call, so that LiveKit and the trunk work. Told at once, since the call itself
    may go on for long."""

    call: Call
    dialing_at: datetime
    answered_at: datetime


@dataclass(frozen=True)
class AgentJoined:
    """From a dialer: somebody who answered has an agent to talk to."""

    call: Call
    dialing_at: datetime
    joined_at: datetime


@dataclass(frozen=True)
class RecordingJudged:
    """From the recordings' actor: the store took a recording, or failed to."""

    call_id: UUID
    asked_at: datetime
    error: str | None  # None: it took it


@dataclass(frozen=True)
class WhatFails:
    """From a campaign, a trunk or the recordings' actor that has just started: which services fail? Answered by
    `ServicesFailing`; whoever lives there is told of every change without asking."""

    address: Address


@dataclass(frozen=True)
class ProbeReturned:
    """From whom a probe was wanted: there is nothing to make it with. It says nothing about the service."""

    service: str
    generation: int
    unneeded: bool = False  # nor does anything wait for the service: closing its breaker costs nothing
    shut: bool = False  # it was to be a call, and nobody may be called now: at night, say


@dataclass(frozen=True)
class BreakerChanged:
    """Another process, or we ourselves, have changed a breaker's row."""


@dataclass(frozen=True)
class CampaignsChanged:
    """A campaign was started, or changed in what it needs."""


@dataclass(frozen=True)
class BreakersConfigured:
    """The configuration has changed: these are the limits from now on, and these the trunks there are."""

    limits: BreakerLimits
    trunks: tuple[str, ...]


# From the probes' gateway


@dataclass(frozen=True)
class ProbeAnswered:
    """What a probe of LiveKit has shown."""

    service: str
    generation: int
    result: Result
    error: str | None = None


@dataclass(frozen=True)
class AgentSentFor:
    """The room of a probe is there, and its agent has been sent for."""

    service: str
    generation: int


@dataclass(frozen=True)
class AgentAbsent:
    """No agent is in the room of a probe yet."""

    service: str
    generation: int


# From the breakers


@dataclass(frozen=True)
class ProbeWanted:
    """To a trunk, or to the recordings' actor: let exactly one call (one download) begin in spite of this service's
    breaker, until `until`. What becomes of it is told as of any other; without a use for it, `ProbeReturned`."""

    service: str
    generation: int
    until: datetime
