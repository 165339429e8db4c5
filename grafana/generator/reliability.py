"""Reliability: the process and what it stands on: breakers, PostgreSQL, actors, the event loop, configuration."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.generator.frame import Band, campaigns, company, data_source, frame
from grafana.generator.panels import (
    ANY_IS_WRONG,
    BLUE,
    GREEN,
    ORANGE,
    PER_MINUTE,
    RED,
    YELLOW,
    Column,
    lines,
    number,
    rows,
    states,
)
from grafana.generator.queries import CAMPAIGNS, Ask, quantile

_SERVICE = '{job="campaignd"}'


def dashboard() -> Dashboard:
    """The dashboard."""
    description = "The process and what it stands on: services that fail, PostgreSQL, actors, the event loop, files."
    bands = (_now(), _services(), _database(), _actors(), _process(), _around())
    return frame(
        "campaignd-reliability",
        "campaignd: Reliability",
        description,
        (data_source(), company(), campaigns()),
        bands,
    )


def _now() -> Band:
    ready = number(
        "Ready",
        "Whether every instance is started, and none drains. Whether PostgreSQL is there, stands beside.",
        "none",
        Ask("min(campaignd_ready)"),
        names={"0": ("no", RED), "1": ("yes", GREEN)},
        no_value="no answer",
    )
    database = number(
        "PostgreSQL",
        "Whether every instance is connected. Without it no calls are begun; results are kept in memory.",
        "none",
        Ask("min(campaignd_database_connected)"),
        names={"0": ("LOST", RED), "1": ("connected", GREEN)},
        no_value="no answer",
    )
    files = number(
        "Configuration",
        "Whether the last reload was applied. Refused: `campaignd check` says what is wrong.",
        "none",
        Ask("min(campaignd_config_last_reload_successful)"),
        names={"0": ("REFUSED", RED), "1": ("in force", GREEN)},
        no_value="no answer",
    )
    breakers = number(
        "Failing services",
        "Circuit breakers that are not closed: campaigns that need these services wait.",
        "short",
        Ask("sum(service:campaignd_breaker_not_closed:max)"),
        ANY_IS_WRONG,
    )
    given_up = number(
        "Given up",
        "Actors that kept crashing and are not started again, in the time range.",
        "short",
        Ask("sum(increase(campaignd_actors_quarantined_total[$__range]))"),
        ANY_IS_WRONG,
        decimals=0,
    )
    crashes = number(
        "Crashes",
        "Actors that were started again after a crash, in the time range.",
        "short",
        Ask("sum(increase(campaignd_actor_restarts_total[$__range]))"),
        ((None, GREEN), (1, YELLOW), (10, RED)),
        decimals=0,
    )
    errors = number(
        "Errors in the log",
        "In the time range. `journalctl -u campaignd -p err`.",
        "short",
        Ask('sum(increase(campaignd_log_messages_total{level="error"}[$__range]))'),
        ((None, GREEN), (1, YELLOW), (10, RED)),
        decimals=0,
    )
    waiting = number(
        "Results not yet written",
        "Results of calls that are kept in memory until PostgreSQL takes them. Do not stop the process meanwhile.",
        "short",
        Ask("sum(campaignd_results_waiting)"),
        ((None, GREEN), (100, YELLOW), (1000, RED)),
    )
    figures = (ready, database, files, breakers, given_up, crashes, errors, waiting)
    return Band("Now", 4, tuple((3, figure) for figure in figures))


def _services() -> Band:
    breakers = states(
        "Breakers",
        "Of every service that calls need. Open: left alone for a while, or until somebody may be called to try it. "
        "Half open: tried with one call.",
        Ask(
            '2 * max by (service) (campaignd_breaker_state{state="open"})'
            ' + max by (service) (campaignd_breaker_state{state="half_open"})',
            "{{service}}",
        ),
        {"0": ("closed", GREEN), "1": ("half open", YELLOW), "2": ("open", RED)},
    )
    changes = lines(
        "Changes of breakers",
        "Into which state, in each interval.",
        "short",
        Ask(
            "sum by (service, state) (increase(campaignd_breaker_transitions_total[$__rate_interval]))",
            "{{service}} {{state}}",
        ),
    )
    holds = lines(
        "Campaigns held",
        "By what: a breaker, the configuration, an operator.",
        "short",
        Ask(f"sum by (hold) (max by (campaign, hold) (campaignd_campaign_hold{{{CAMPAIGNS}}}))", "{{hold}}"),
        colors={"breaker": RED, "config": YELLOW, "operator": BLUE},
    )
    return Band("Services that calls need", 8, ((10, breakers), (7, changes), (7, holds)))


def _database() -> Band:
    statements = lines(
        "Claims and settlements",
        "How long PostgreSQL takes to hand out tasks and to take results. Milliseconds; a second is far too slow.",
        "s",
        Ask(quantile(0.5, "campaignd_claim_seconds", ""), "claim, half within"),
        Ask(quantile(0.99, "campaignd_claim_seconds", ""), "claim, 99 % within"),
        Ask(quantile(0.5, "campaignd_settle_seconds", ""), "settle, half within"),
        Ask(quantile(0.99, "campaignd_settle_seconds", ""), "settle, 99 % within"),
    )
    pool = lines(
        "Connections to PostgreSQL",
        "Of the pool: how many there are, how many are in use, and threads that wait for one. Waiting for long: raise "
        "[database] pool_size, or find the slow query.",
        "short",
        Ask("sum by (instance) (campaignd_pool_connections)", "{{instance}} open"),
        Ask("sum by (instance) (campaignd_pool_connections_in_use)", "{{instance}} in use"),
        Ask("sum by (instance) (campaignd_pool_requests_waiting)", "{{instance}} waiting"),
    )
    slot = lines(
        "Freed slot to next dial",
        "From the end of a call to the next dial request in its place, all chosen campaigns. Milliseconds, unless "
        "limits keep them.",
        "s",
        Ask(quantile(0.5, "campaignd_slot_to_dial_seconds", f"{{{CAMPAIGNS}}}"), "half within"),
        Ask(quantile(0.95, "campaignd_slot_to_dial_seconds", f"{{{CAMPAIGNS}}}"), "95 % within"),
    )
    results = lines(
        "Results in memory",
        "Results of calls that PostgreSQL has not taken yet. Grows while it is away, falls to nothing after.",
        "short",
        Ask("sum by (instance) (campaignd_results_waiting)", "{{instance}}"),
    )
    return Band("PostgreSQL", 8, ((7, statements), (6, pool), (6, slot), (5, results)))


def _actors() -> Band:
    up = lines(
        "Actors",
        "That are up, by kind. Dialers: one for each call in progress.",
        "short",
        Ask("sum by (kind) (campaignd_actors)", "{{kind}}"),
    )
    mailboxes = lines(
        "Mailboxes",
        "Messages that wait, by kind. What stays high is an actor that doesn't keep up.",
        "short",
        Ask("sum by (kind) (campaignd_mailbox_depth)", "{{kind}}"),
    )
    restarts = lines(
        "Crashes and restarts",
        "Actors started again after a crash, in each interval, by kind; and those that were given up.",
        "short",
        Ask("sum by (kind) (increase(campaignd_actor_restarts_total[$__rate_interval]))", "{{kind}}"),
        Ask(
            "sum by (kind) (increase(campaignd_actors_quarantined_total[$__rate_interval]))",
            "{{kind}} given up",
        ),
    )
    return Band("Actors", 8, ((8, up), (8, mailboxes), (8, restarts)))


def _process() -> Band:
    lag = lines(
        "Event loop lag",
        "How late the loop is that LiveKit's client and the HTTP interface share.",
        "s",
        Ask(quantile(0.5, "campaignd_event_loop_lag_seconds", "", "instance"), "{{instance}} half within"),
        Ask("instance:campaignd_event_loop_lag_seconds:p99_rate5m", "{{instance}} 99 % within"),
    )
    cpu = lines(
        "CPU",
        "Cores in use. One is the most that the Python part of a process can use.",
        "short",
        Ask(f"rate(process_cpu_seconds_total{_SERVICE}[$__rate_interval])", "{{instance}}"),
    )
    memory = lines(
        "Memory",
        "Resident.",
        "bytes",
        Ask(f"process_resident_memory_bytes{_SERVICE}", "{{instance}}"),
    )
    files = lines(
        "Open files",
        "Of those that the process may open at most.",
        "percentunit",
        Ask(f"process_open_fds{_SERVICE} / process_max_fds{_SERVICE}", "{{instance}}"),
    )
    return Band("Process", 7, ((7, lag), (6, cpu), (6, memory), (5, files)))


def _around() -> Band:
    webhooks = lines(
        "Webhooks from LiveKit",
        "Per minute. Ignored: not about a call of ours that is up. Refused: a wrong signature.",
        PER_MINUTE,
        Ask("60 * sum by (result) (rate(campaignd_webhooks_total[$__rate_interval]))", "{{result}}"),
        colors={"accepted": GREEN, "ignored": YELLOW, "refused": RED},
    )
    log = lines(
        "Log",
        "Warnings and errors per minute.",
        PER_MINUTE,
        Ask("60 * sum by (level) (rate(campaignd_log_messages_total[$__rate_interval]))", "{{level}}"),
        colors={"warning": ORANGE, "error": RED},
    )
    reloads = lines(
        "Reloads",
        "In each interval, by what became of them.",
        "short",
        Ask("sum by (result) (increase(campaignd_config_reloads_total[$__rate_interval]))", "{{result}}"),
        colors={"applied": GREEN, "unchanged": BLUE, "refused": RED},
    )
    instances = rows(
        "Instances",
        "Each process: since when it runs, which version, and when it last read its files. Instances of one database "
        "should have the same configuration.",
        [
            Ask("max by (instance, version) (campaignd_build_info)"),
            Ask(f"max by (instance) (process_start_time_seconds{_SERVICE}) * 1000"),
            Ask("max by (instance) (campaignd_config_last_reload_success_timestamp_seconds) * 1000"),
            Ask("max by (instance) (campaignd_config_hash)"),
        ],
        [
            Column("instance", "Instance"),
            Column("version", "Version"),
            Column("B", "Started", "dateTimeFromNow"),
            Column("C", "Files read", "dateTimeFromNow"),
            Column("D", "Configuration", "none"),
        ],
        sort_by="Instance",
    )
    return Band("Around it", 7, ((6, webhooks), (5, log), (5, reloads), (8, instances)))
