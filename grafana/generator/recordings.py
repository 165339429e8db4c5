"""Recordings and jobs: what comes after calls, and work beside them. The figures are of all instances of a database,
which each of them shows: so the greatest is taken, never a sum."""

from __future__ import annotations

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.generator.frame import Band, company, data_source, frame
from grafana.generator.panels import (
    ANY_IS_WRONG,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PER_MINUTE,
    RED,
    YELLOW,
    Column,
    lines,
    number,
    rows,
)
from grafana.generator.queries import COMPANIES, Ask, quantile

_OF = f"{{{COMPANIES}}}"


def dashboard() -> Dashboard:
    """The dashboard."""
    description = "Recordings that are fetched after calls, their transcripts, and background jobs."
    bands = (_now(), _waiting(), _fetching(), _jobs())
    return frame(
        "campaignd-recordings", "campaignd: Recordings and jobs", description, (data_source(), company()), bands
    )


def _now() -> Band:
    def recordings(states: str) -> str:
        return f'sum(max by (company, state) (campaignd_recordings{{{COMPANIES},state=~"{states}"}}))'

    def jobs(states: str) -> str:
        return f'sum(max by (type, state) (campaignd_jobs{{state=~"{states}"}}))'

    waiting = number(
        "To be fetched",
        "Recordings that LiveKit has finished and that wait for a slot or for another try.",
        "short",
        Ask(recordings("pending|downloading")),
        graph=True,
    )
    oldest = number(
        "Oldest",
        "For how long the oldest of them has waited. An hour is an alert: LiveKit's storage may delete what is not "
        "fetched in time.",
        "s",
        Ask(f"max(campaignd_recording_oldest_seconds{_OF})"),
        ((None, GREEN), (900, YELLOW), (3600, RED)),
    )
    failed = number(
        "Recordings given up",
        "`campaignd recordings list --state failed` says why; `campaignd recordings retry` tries again.",
        "short",
        Ask(recordings("failed")),
        ((None, GREEN), (1, ORANGE)),
    )
    slots = number(
        "Slots in use",
        "Of the fullest company. At 100 % for long: raise its recording_slots.",
        "percentunit",
        Ask(f"max(campaignd_recording_slots_in_use{_OF} / campaignd_recording_slots{_OF})"),
        graph=True,
    )
    running = number("Jobs at work", "Of all companies: running, or waiting for another try.", "short",
                     Ask(jobs("running|retry")))  # fmt: skip
    queued = number("Jobs waiting", "Of all companies: not begun yet.", "short", Ask(jobs("pending")))
    wrong = number(
        "Jobs failed",
        "Of all companies, as long as they are kept. `campaignd jobs list` says why.",
        "short",
        Ask(jobs("failed")),
        ANY_IS_WRONG,
    )
    figures = ((4, waiting), (4, oldest), (4, failed), (3, slots), (3, running), (3, queued), (3, wrong))
    return Band("Now", 4, figures)


def _waiting() -> Band:
    by_state = lines(
        "Recordings, by state",
        "That are not stored. Expected: LiveKit still writes it. Pending: to be fetched. Failed: given up.",
        "short",
        Ask(f"sum by (state) (max by (company, state) (campaignd_recordings{_OF}))", "{{state}}"),
        stacked=True,
        colors={"expected": GREY, "pending": ORANGE, "downloading": BLUE, "failed": RED},
    )
    oldest = lines(
        "Oldest, by company",
        "For how long its oldest recording has waited to be fetched.",
        "s",
        Ask(f"max by (company) (campaignd_recording_oldest_seconds{_OF})", "{{company}}"),
    )
    slots = lines(
        "Slots",
        "Downloads under way, and how many may be at once.",
        "short",
        Ask(f"max by (company) (campaignd_recording_slots_in_use{_OF})", "{{company}} in use"),
        Ask(f"max by (company) (campaignd_recording_slots{_OF})", "{{company}} slots"),
        dashed=(".* slots",),
    )
    return Band("Recordings that wait", 8, ((8, by_state), (8, oldest), (8, slots)))


def _fetching() -> Band:
    downloads = lines(
        "Downloads",
        "Per minute. A failed one is tried again after a growing while.",
        PER_MINUTE,
        Ask(
            f"60 * sum by (result) (rate(campaignd_recording_download_seconds_count{_OF}[$__rate_interval]))",
            "{{result}}",
        ),
        stacked=True,
        colors={"stored": GREEN, "failed": RED},
    )
    took = lines(
        "Time of a download",
        "Of those that were stored.",
        "s",
        Ask(
            quantile(0.5, "campaignd_recording_download_seconds", f'{{{COMPANIES},result="stored"}}'),
            "half within",
        ),
        Ask(
            quantile(0.95, "campaignd_recording_download_seconds", f'{{{COMPANIES},result="stored"}}'),
            "95 % within",
        ),
    )
    transcripts = lines(
        "Transcripts",
        "Per minute, of all companies. None without a transcriber.",
        PER_MINUTE,
        Ask("60 * sum by (result) (rate(campaignd_transcripts_total[$__rate_interval]))", "{{result}}"),
        stacked=True,
        colors={"stored": GREEN, "failed": RED},
    )
    return Band("Fetching", 8, ((8, downloads), (8, took), (8, transcripts)))


def _jobs() -> Band:
    def of(state: str) -> Ask:
        return Ask(f'max by (type) (campaignd_jobs{{state=~"{state}"}})')

    table = rows(
        "Jobs",
        "Of all companies, by type. `campaignd jobs list` has each, how far it is, and why one failed.",
        [of(state) for state in ("pending", "running", "retry", "completed", "failed", "cancelled")],
        [
            Column("type", "Type"),
            Column("A", "Waiting", "short"),
            Column("B", "Running", "short"),
            Column("C", "To be tried again", "short"),
            Column("D", "Completed", "short"),
            Column("E", "Failed", "short", steps=ANY_IS_WRONG),
            Column("F", "Cancelled", "short"),
        ],
        sort_by="Type",
    )
    over_time = lines(
        "Jobs that are not over",
        "By type: waiting, running, or to be tried again.",
        "short",
        Ask('sum by (type) (max by (type, state) (campaignd_jobs{state=~"pending|running|retry"}))', "{{type}}"),
        stacked=True,
    )
    return Band("Jobs", 9, ((14, table), (10, over_time)))
