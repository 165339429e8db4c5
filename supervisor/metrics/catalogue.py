"""The catalogue: each metric's name, type, labels and meaning. Tests, dashboards and alerts are held against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """What Prometheus calls a metric's type."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Definition:
    """A metric, as Prometheus shows it. Its unit is the end of its name: seconds, ratio (0 to 1), else a count. Labels
    hold slugs of the configuration and members of closed lists: never a number, a task or a call."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()  # of a histogram: upper bounds, in its unit


_QUICK = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
_TO_ANSWER = (0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0)
_TO_AGENT = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
_TALK = (5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 180.0, 300.0, 600.0, 1200.0, 1800.0)
_DOWNLOAD = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

_CAMPAIGN = ("company", "campaign")
_COUNTER, _GAUGE, _HISTOGRAM = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

_DEFINITIONS = (
    # The process
    Definition("campaignd_build_info", _GAUGE, "1, for the version of this process.", ("version",)),
    Definition(
        "campaignd_ready", _GAUGE,
        "1 from the end of the start until the drain (what /readyz says), whether or not PostgreSQL is there.",
    ),
    Definition(
        "campaignd_database_connected", _GAUGE, "1 while the connection that listens to PostgreSQL is up."
    ),
    Definition("campaignd_log_messages_total", _COUNTER, "Messages logged at this level.", ("level",)),
    Definition(
        "campaignd_event_loop_lag_seconds", _HISTOGRAM, "How much later than asked for the event loop calls back.",
        buckets=_QUICK,
    ),
    # Calls
    Definition(
        "campaignd_calls_started_total", _COUNTER, "Dial requests sent to LiveKit.", (*_CAMPAIGN, "trunk")
    ),
    Definition(
        "campaignd_calls_ended_total", _COUNTER, "Dialed calls that are over.", (*_CAMPAIGN, "trunk", "outcome")
    ),
    Definition(
        "campaignd_calls_in_progress", _GAUGE, "Calls claimed, dialed or talked, and not over.",
        (*_CAMPAIGN, "trunk"),
    ),
    Definition(
        "campaignd_time_to_answer_seconds", _HISTOGRAM, "From the dial request of a call to its answer.", _CAMPAIGN,
        _TO_ANSWER,
    ),
    Definition(
        "campaignd_time_to_agent_seconds", _HISTOGRAM, "From the answer of a call to its agent's joining.", _CAMPAIGN,
        _TO_AGENT,
    ),
    Definition(
        "campaignd_call_duration_seconds", _HISTOGRAM, "From the answer to the end of a call.",
        (*_CAMPAIGN, "trunk"), _TALK,
    ),
    Definition(
        "campaignd_results_waiting", _GAUGE, "Results of calls kept in memory and not yet in PostgreSQL."
    ),
    # Campaigns
    Definition(
        "campaignd_abandon_ratio", _GAUGE, "Share of answered calls, of late, that no agent joined in time.", _CAMPAIGN
    ),
    Definition(
        "campaignd_abandon_limit_ratio", _GAUGE, "The share of answered calls without an agent that is allowed.",
        _CAMPAIGN,
    ),
    Definition(
        "campaignd_tasks", _GAUGE, "Tasks of the list by status, counted every 15 s or less often.",
        (*_CAMPAIGN, "status"),
    ),
    Definition(
        "campaignd_campaign_status", _GAUGE, "1 for the status that a campaign is in.", (*_CAMPAIGN, "status")
    ),
    Definition(
        "campaignd_campaign_hold", _GAUGE, "1 for each kind of hold that a campaign has.", (*_CAMPAIGN, "hold")
    ),
    Definition("campaignd_schedule_open", _GAUGE, "1 while the campaign's own window is open.", _CAMPAIGN),
    Definition(
        "campaignd_work_due", _GAUGE, "1 while there are tasks that could be claimed, counted as often as tasks are.",
        _CAMPAIGN,
    ),
    Definition(
        "campaignd_limit_calls", _GAUGE, "Calls at once, or begun in a minute, that a campaign may have; +Inf: any.",
        (*_CAMPAIGN, "per"),
    ),
    Definition(
        "campaignd_limit_used_calls", _GAUGE, "Calls in progress, or begun within the last minute.",
        (*_CAMPAIGN, "per"),
    ),
    Definition(
        "campaignd_permits_wanted", _GAUGE, "Calls that a campaign could begin, and waits for its trunk to permit.",
        _CAMPAIGN,
    ),
    Definition(
        "campaignd_last_dial_timestamp_seconds", _GAUGE, "When its last dial request left, in Unix time; 0: none yet.",
        _CAMPAIGN,
    ),
    Definition(
        "campaignd_slot_to_dial_seconds", _HISTOGRAM,
        "From the end of a call, where its slot could be used again at once, to the next dial request.", _CAMPAIGN,
        _QUICK,
    ),
    # Trunks
    Definition(
        "campaignd_trunk_limit_calls", _GAUGE,
        "Calls at once, or begun in a minute, that a trunk is dialed with by now; +Inf: any.", ("trunk", "per"),
    ),
    Definition(
        "campaignd_trunk_calls_in_progress", _GAUGE, "Calls permitted on a trunk and not over.", ("trunk",)
    ),
    # PostgreSQL
    Definition(
        "campaignd_claim_seconds", _HISTOGRAM, "Time a claim of tasks took in PostgreSQL.", buckets=_QUICK
    ),
    Definition(
        "campaignd_settle_seconds", _HISTOGRAM, "Time the settlement of a batch of calls took in PostgreSQL.",
        buckets=_QUICK,
    ),
    Definition("campaignd_pool_connections", _GAUGE, "Connections to PostgreSQL in the pool."),
    Definition("campaignd_pool_connections_in_use", _GAUGE, "Connections to PostgreSQL in use."),
    Definition("campaignd_pool_requests_waiting", _GAUGE, "Threads waiting for a connection."),
    # Services and actors
    Definition(
        "campaignd_breaker_state", _GAUGE, "1 for the state that a service's circuit breaker is in.",
        ("service", "state"),
    ),
    Definition(
        "campaignd_breaker_untried", _GAUGE,
        "1 while only a call could show whether a failing service works again, and nobody may be called.",
        ("service",),
    ),
    Definition(
        "campaignd_breaker_transitions_total", _COUNTER, "Circuit breakers that came into a state.",
        ("service", "state"),
    ),
    Definition("campaignd_actors", _GAUGE, "Actors that are up.", ("kind",)),
    Definition("campaignd_mailbox_depth", _GAUGE, "Messages waiting, all mailboxes together.", ("kind",)),
    Definition(
        "campaignd_actor_restarts_total", _COUNTER,
        "Actors started again after a crash; one that an outage of PostgreSQL ended has not crashed.", ("kind",),
    ),
    Definition(
        "campaignd_actors_quarantined_total", _COUNTER, "Actors that died too often and were given up.", ("kind",)
    ),
    Definition("campaignd_webhooks_total", _COUNTER, "Webhooks from LiveKit.", ("result",)),
    # Recordings and jobs
    Definition(
        "campaignd_recordings", _GAUGE, "Recordings that are not stored, of all processes.", ("company", "state")
    ),
    Definition(
        "campaignd_recording_oldest_seconds", _GAUGE,
        "Age of the oldest recording that waits to be fetched, of all processes; 0: none waits.", ("company",),
    ),
    Definition(
        "campaignd_recording_slots", _GAUGE, "Downloads of recordings that may be under way at once.", ("company",)
    ),
    Definition(
        "campaignd_recording_slots_in_use", _GAUGE, "Downloads of recordings under way, of all processes.",
        ("company",),
    ),
    Definition(
        "campaignd_recording_download_seconds", _HISTOGRAM, "Time that a download of a recording took.",
        ("company", "result"), _DOWNLOAD,
    ),
    Definition("campaignd_transcripts_total", _COUNTER, "Attempts at transcripts of recordings.", ("result",)),
    Definition("campaignd_jobs", _GAUGE, "Background jobs, of all processes.", ("type", "state")),
    # Configuration
    Definition(
        "campaignd_config_last_reload_successful", _GAUGE, "1 if the files, as they were last read, are in use."
    ),
    Definition(
        "campaignd_config_last_reload_success_timestamp_seconds", _GAUGE,
        "When the configuration in use was read, in Unix time.",
    ),
    Definition("campaignd_config_reloads_total", _COUNTER, "Reloads of the configuration.", ("result",)),
    Definition("campaignd_config_hash", _GAUGE, "A number from the configuration in use; changes when it does."),
)  # fmt: skip

CATALOGUE: Mapping[str, Definition] = MappingProxyType({each.name: each for each in _DEFINITIONS})
"""All there are, under their names; besides them only `process_*`, which prometheus_client defines."""
