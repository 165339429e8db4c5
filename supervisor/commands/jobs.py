"""`campaignd jobs`: work beside calling."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
import psycopg
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from actors.errors import CampaignServiceError, CampaignValidationError
from actors.jobs import ledger
from actors.jobs.broadcast import LONGEST_ANNOUNCEMENT_S, Announcement
from actors.jobs.kinds import JobType
from actors.jobs.listing import JobRow, read_jobs
from actors.jobs.submitting import Request, Submitted, submit
from supervisor.clock import SystemClock
from supervisor.commands.choosing_leads import lead_options, pairs, selection
from supervisor.commands.options import config_option, json_option
from supervisor.config.load import load_service
from supervisor.database.campaigns import find_campaign
from supervisor.database.companies import find_company
from supervisor.database.connect import open_connection

_LOOK_EVERY_S = 0.5
_LONGEST_NAME = 255  # that a lead, or a campaign, may have
_OF_LEADS = frozenset(JobType) - {JobType.DELETE_RECEIPTS_ALL}
# What an option is for; given to another type it is an error, so that nobody deletes more than they meant.
_USES = {
    "source": _OF_LEADS - {JobType.DELETE_IMPORTED_LEADS},
    "import_id": _OF_LEADS,
    "where": _OF_LEADS,
    "file": _OF_LEADS,
    "region": _OF_LEADS,
    "everyone": frozenset(JobType),
    "campaign": {JobType.ENQUEUE_OUTBOUND_CALLS, JobType.DELETE_RECEIPTS_ALL},
    "set_": {JobType.UPDATE_LEADS},
    "unset": {JobType.UPDATE_LEADS},
    "name": {JobType.UPDATE_LEADS, JobType.BROADCAST},
    "skillbase": {JobType.BROADCAST},
    "trunk": {JobType.BROADCAST},
    "max_concurrent_calls": {JobType.BROADCAST},
    "calls_per_minute": {JobType.BROADCAST},
    "max_call_duration_s": {JobType.BROADCAST},
}
_CHOOSING = ("source", "import_id", "where", "file", "campaign")


class JobFailedError(CampaignServiceError):
    """The job that was waited for has not been completed."""


@click.group("jobs")
def command() -> None:
    """Work beside calling: deleting and changing leads, making contacts of them, announcing something to them.

    A job is done by the running service in small batches. It can be cancelled between two of them, and goes on where it
    was after a crash; what it is about is chosen when it is submitted.

    \b
    Example:
      campaignd jobs submit delete_leads --company acme --file leave-us-alone.csv
      campaignd jobs list --company acme
    """


@command.command("list")
@click.option("--company", metavar="SLUG", help="Only this company's.")
@config_option
@json_option
def list_(company: str | None, config: Path, as_json: bool) -> None:
    """Print all jobs, oldest first: how far each is, and why one failed.

    \b
    Example:
      campaignd jobs list
      campaignd jobs list --company acme --json | jq '.jobs[] | select(.status == "failed")'
    """
    with open_connection(config) as connection:
        if company is not None:
            find_company(connection, company)
        jobs = read_jobs(connection, company=company)
    if as_json:
        click.echo(json.dumps({"jobs": [job.as_json() for job in jobs]}, ensure_ascii=False))
        return
    for job in jobs:
        click.echo(_line(job))


@command.command("submit")
@click.argument("type_", metavar="TYPE", type=click.Choice([kind.value for kind in JobType]))
@click.option("--company", required=True, metavar="SLUG", help="Whose leads, or receipts.")
@lead_options
@click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="Leads with these numbers: one a line.")
@click.option("--region", metavar="RU", help="The country (ISO code) of numbers written without one.")
@click.option("--all", "everyone", is_flag=True, help="Everything the company has, where nothing else chooses.")
@click.option("--campaign", metavar="CAMPAIGN", help="The campaign that gets the contacts, or whose receipts go.")
@click.option("--set", "set_", multiple=True, metavar="COLUMN=TEXT", help="update_leads: write this into a column.")
@click.option("--unset", multiple=True, metavar="COLUMN", help="update_leads: take this column away.")
@click.option("--name", metavar="TEXT", help="update_leads: the leads' new name. broadcast: its name.")
@click.option("--skillbase", metavar="SLUG", help="broadcast: whose agent makes the announcement.")
@click.option("--trunk", metavar="NAME", help="broadcast: the trunk it dials through.")
@click.option("--max-concurrent-calls", type=click.IntRange(1), metavar="N", help="broadcast: calls at once.")
@click.option("--calls-per-minute", type=click.IntRange(1), metavar="N", help="broadcast: calls begun in 60 s.")
@click.option(
    "--max-call-duration-s",
    type=click.IntRange(10, 86_400),
    metavar="S",
    help=f"broadcast: how long the announcement takes at most. [default: {LONGEST_ANNOUNCEMENT_S}]",
)
@click.option("--wait", is_flag=True, help="Wait until the job is done; exit code 1 when it was not completed.")
@config_option
@json_option
def submit_(type_: str, company: str, config: Path, as_json: bool, wait: bool, **given: Any) -> None:
    """Have the service do a job of TYPE.

    \b
    delete_leads            erase people: their leads, and what calls, recordings and transcripts say of them. Who was
                            not called yet is not called any more; a call in progress ends first
    delete_imported_leads   take leads back that were imported; calls keep what they say
    update_leads            write or remove columns of leads
    delete_receipts_all     delete receipts, of a campaign or all
    enqueue_outbound_calls  leads become contacts of a campaign, by the rules of call lists
    broadcast               one announcement to each lead: a campaign of its own, which starts when it is whole

    \b
    Example:
      campaignd jobs submit delete_leads --company acme --where city=Berlin --wait
      campaignd jobs submit update_leads --company acme --import 0198… --set tariff=new
      campaignd jobs submit enqueue_outbound_calls --company acme --source imported --campaign spring
      campaignd jobs submit broadcast --company acme --all --skillbase notices --trunk main --calls-per-minute 60
    """
    kind = JobType(type_)
    options = _Options.of(kind, given)
    with open_connection(config) as connection:
        company_id = find_company(connection, company)
        campaign = None if options.campaign is None else find_campaign(connection, options.campaign)
        announcement = _announcement(config, given) if kind is JobType.BROADCAST else None
        request = Request(kind, company_id, options.selection, campaign, options.changes, announcement)
        submitted = submit(connection, request, SystemClock().now())
        job = _wait(connection, submitted.id) if wait else None
    _print(kind, submitted, job, as_json)
    if job is not None and job.status != "completed":
        raise JobFailedError(f"The job is {job.status}: {job.error_message or 'it was cancelled'}")


@command.command("cancel")
@click.argument("job_id", metavar="ID", type=click.UUID)
@config_option
def cancel(job_id: UUID, config: Path) -> None:
    """End a job between two batches. What it has done stays done.

    \b
    Example:
      campaignd jobs cancel 0198c0de-0000-7000-8000-000000000000
    """
    with open_connection(config) as connection:
        cancelled = ledger.cancel(connection, job_id, SystemClock().now())
        found = read_jobs(connection, job_id=job_id)
    if not found:
        raise CampaignValidationError(f"Job {job_id} not found")
    if not cancelled:
        raise CampaignValidationError(f"Job is {found[0].status}: it can't be cancelled")
    click.echo(_line(found[0]))


@dataclass(frozen=True)
class _Options:
    """What was given to `submit`, held against what its type has a use for."""

    selection: Any
    campaign: str | None
    changes: dict[str, Any]

    @classmethod
    def of(cls, kind: JobType, given: dict[str, Any]) -> _Options:
        for option, kinds in _USES.items():
            if given[option] and kind not in kinds:
                raise click.UsageError(f"{kind} has no use for {_spelled(option)}.")
        if len(given["name"] or "") > _LONGEST_NAME:
            raise click.UsageError(f"--name has more than {_LONGEST_NAME} characters.")
        choices = [option for option in _CHOOSING if kind in _USES[option]]
        if kind is JobType.ENQUEUE_OUTBOUND_CALLS:
            if given["campaign"] is None:
                raise click.UsageError(f"{kind} needs --campaign CAMPAIGN.")
            choices.remove("campaign")
        choosing = [option for option in choices if given[option]]
        if not choosing and not given["everyone"] and kind is not JobType.DELETE_IMPORTED_LEADS:
            raise click.UsageError(f"Say what it is about: {', '.join(map(_spelled, choices))} or --all.")
        if choosing and given["everyone"]:
            raise click.UsageError(f"--all goes with nothing that chooses: not with {_spelled(choosing[0])}.")
        changes: dict[str, Any] = {}
        if kind is JobType.UPDATE_LEADS:
            changes = {"set": pairs(given["set_"], "--set"), "unset": list(given["unset"]), "name": given["name"]}
            if not any(changes.values()):
                raise click.UsageError("Say what to change: --set COLUMN=TEXT, --unset COLUMN or --name TEXT.")
        chosen = selection(given["source"], given["import_id"], given["where"], given["file"], given["region"])
        return cls(chosen, given["campaign"], changes)


def _announcement(config: Path, given: dict[str, Any]) -> Announcement:
    for option in ("skillbase", "trunk"):
        if not given[option]:
            raise click.UsageError(f"A broadcast needs --{option}.")
    trunks = load_service(config).service.trunks
    if given["trunk"] not in trunks:
        there_are = f"there are: {', '.join(sorted(trunks))}" if trunks else "there are none"
        raise CampaignValidationError(f"Trunk {given['trunk']} not found ({there_are})")
    return Announcement(
        name=given["name"] or "Broadcast",
        skillbase=given["skillbase"],
        trunk=given["trunk"],
        max_concurrent_calls=given["max_concurrent_calls"],
        calls_per_minute=given["calls_per_minute"],
        longest_s=given["max_call_duration_s"] or LONGEST_ANNOUNCEMENT_S,
    )


def _spelled(option: str) -> str:
    spelled = {"import_id": "import", "everyone": "all", "set_": "set"}.get(option, option)
    return f"--{spelled.replace('_', '-')}"


def _wait(connection: psycopg.Connection, job_id: UUID) -> JobRow:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    shown = sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as progress:
        bar = progress.add_task("job", total=None)
        while (job := read_jobs(connection, job_id=job_id)[0]).is_open:
            progress.update(bar, description=f"{job.job_type}: {job.status}", completed=job.done, total=job.total)
            time.sleep(_LOOK_EVERY_S)
    return job


def _print(kind: JobType, submitted: Submitted, job: JobRow | None, as_json: bool) -> None:
    if as_json:
        campaign_id = None if submitted.campaign_id is None else str(submitted.campaign_id)
        written = {
            "id": str(submitted.id),
            "job_type": kind.value,
            "total": submitted.total,
            "campaign_id": campaign_id,
        }
        click.echo(json.dumps(written if job is None else job.as_json(), ensure_ascii=False))
    elif job is not None:
        click.echo(_line(job))
    else:
        click.echo(f"{submitted.id}  {kind.value}: {submitted.total} to do")
        if kind is JobType.BROADCAST:
            click.echo(f"Its campaign is {submitted.campaign_id}")


def _line(job: JobRow) -> str:
    progress = f"{job.done}/{'?' if job.total is None else job.total}"
    counts = ", ".join(f"{count} {what}" for what, count in job.result.items())
    why = "" if job.error_message is None else f"  {job.error_message}"
    again = "" if job.next_attempt_at is None else f"  again at {_minute(job.next_attempt_at)}"
    what = f"  ({counts})" if counts else ""
    head = f"{job.id}  {job.job_type:<22}  {job.company:<16}  {job.status:<9}  {progress:>13}"
    line = f"{head}  {_minute(job.created_at)}{what}{why}{again}"
    return "".join(letter if letter.isprintable() else " " for letter in line)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
