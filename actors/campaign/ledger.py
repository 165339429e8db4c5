"""A campaign's SQL: choosing and claiming tasks, settling results. The statements stand in `sql/`, a file each.

Everything here runs in the campaign's own thread, in short transactions; an error of PostgreSQL is raised as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row, dict_row, tuple_row
from psycopg.types.numeric import Int4

from actors.blame import Fault
from actors.call import Call, CallResult
from actors.campaign.arrays import array
from actors.campaign.retry import Verdict
from actors.campaign.settings import CampaignSettings, settings_tables
from actors.errors import CampaignNotFoundError, LeaseLostError
from actors.ids import new_id
from actors.limiter import UNLIMITED
from actors.prices import PriceList
from actors.services import BREAKER, needed_services
from actors.statements import statement

Opening = Callable[[str, datetime], datetime | None]
"""For a number and an instant: when, from then on, it may be called; None: never."""

_sql = partial(statement, __package__)

NO_LEASE = 0
"""An epoch that no lease has."""
_FIRST, _EVER = -(2**31), datetime.min.replace(tzinfo=UTC)
"""Before every task in the order of claiming."""
_CANDIDATES = 200
"""Tasks looked at in one claim where each has to be looked at; those that can't be called now are met only once."""


@dataclass(frozen=True)
class CampaignRow:
    """A campaign as its actor knows it."""

    id: UUID
    label: str  # its slug, or its id where it has none: for logs and metrics
    company_id: UUID
    company: str
    company_limited: bool
    trunk: str
    status: str
    epoch: int  # of our lease; every write carries it
    agent_name: str
    agent_metadata: Mapping[str, Any]
    settings: CampaignSettings
    holds: frozenset[str] = frozenset()
    prices: Mapping[str, PriceList] = field(default_factory=dict)  # by trunk: its own, and its calls'

    def needs(self, trunk: str) -> frozenset[str]:
        """The services without which its calls through this trunk, its own or one that it had, can't be what they
        should."""
        return needed_services(trunk, self.agent_name, recorded=self.settings.recording.enabled)

    @property
    def held_by(self) -> frozenset[str]:
        """The services whose breakers hold it; none, where something else holds it too."""
        if not all(hold.startswith(BREAKER) for hold in self.holds):
            return frozenset()
        return frozenset(hold.removeprefix(BREAKER) for hold in self.holds)


@dataclass(frozen=True)
class ClaimedTask:
    """A task that is now in progress, and the call that is to reach it. Read column by column, in this order."""

    call_id: UUID
    task_id: UUID
    trunk: str  # that the call goes through: the campaign may have another by now
    phone_number: str
    contact_name: str | None
    contact_data: Mapping[str, Any]
    attempt: int
    max_attempts: int | None


@dataclass(frozen=True)
class Reached:
    """How far claims have come in their order: before this nothing was claimable. What has come due since, or was
    added, a claim sees for itself; who makes tasks claimable otherwise, or changes priorities, forgets this."""

    rank: int
    created_at: datetime
    total_tasks: int  # that the campaign had


@dataclass(frozen=True)
class Claim:
    """What a claim brought. Fewer tasks than asked for: there are no more to be had now, or the company is full."""

    tasks: list[ClaimedTask]
    company_full: bool
    passed_over: int = 0  # tasks that were met and may not be called now, or never: behind them others may be waiting
    reached: Reached | None = None  # where the next claim may go on; None: it looks from the beginning


@dataclass(frozen=True)
class Prospects:
    """What a campaign still has to do."""

    claimable: bool
    next_due_at: datetime | None
    in_progress: bool


Row = Mapping[str, Any]
"""A campaign as it stands in the database, with what belongs to it elsewhere."""


def read_campaign(
    connection: Connection, campaign_id: UUID, supervisor_id: UUID | None = None, *, heed_settings: bool = True
) -> CampaignRow:
    """The campaign as it is now; without a supervisor, only to be looked at: nothing can be written by its epoch.
    Whoever does not heed its settings gets the usual ones. Raises what `as_campaign` does."""
    row = read_rows(connection, [campaign_id], supervisor_id).get(campaign_id)
    return as_campaign(campaign_id, row, supervisor_id, heed_settings=heed_settings)


def read_rows(connection: Connection, campaigns: Sequence[UUID], supervisor_id: UUID | None) -> dict[UUID, Row]:
    """Those of these campaigns that there are, for `as_campaign`."""
    with connection.cursor(row_factory=dict_row) as cursor:
        parameters = {"campaigns": list(campaigns), "supervisor": supervisor_id}
        return {row["id"]: row for row in cursor.execute(_sql("campaign"), parameters)}


def as_campaign(
    campaign_id: UUID, row: Row | None, supervisor_id: UUID | None, *, heed_settings: bool = True
) -> CampaignRow:
    """What was read for this supervisor. Raises CampaignNotFoundError, LeaseLostError when this supervisor does not
    hold its lease, and pydantic's ValidationError for settings that no longer make sense."""
    if row is None:
        raise CampaignNotFoundError(f"Campaign {campaign_id} not found")
    if row["epoch"] is None and supervisor_id is not None:
        raise LeaseLostError(f"campaign {campaign_id} is not ours to work")
    return CampaignRow(
        id=campaign_id,
        label=row["slug"] or str(campaign_id),
        company_id=row["company_id"],
        company=row["company"],
        company_limited=row["company_limited"],
        trunk=row["trunk"],
        status=row["status"],
        epoch=row["epoch"] or NO_LEASE,
        agent_name=row["agent_name"],
        agent_metadata=row["agent_metadata"],
        settings=CampaignSettings.model_validate(settings_tables(row)) if heed_settings else CampaignSettings(),
        holds=frozenset(row["holds"]),
        prices={trunk: PriceList.from_json(prices) for trunk, prices in (row["prices"] or {}).items()},
    )


def as_call(
    task: ClaimedTask,
    campaign: CampaignRow,
    *,
    begin_before: datetime | None = None,
    probe: str | None = None,
) -> Call:
    """The attempt at this task, as it is dialed or resumed."""
    settings = campaign.settings.call
    return Call(
        call_id=task.call_id,
        task_id=task.task_id,
        campaign_id=campaign.id,
        epoch=campaign.epoch,
        campaign=campaign.label,
        trunk=task.trunk,
        attempt=task.attempt,
        max_attempts=task.max_attempts,
        phone_number=task.phone_number,
        contact_name=task.contact_name,
        contact_data=task.contact_data,
        begin_before=begin_before,
        agent_name=campaign.agent_name,
        agent_metadata=campaign.agent_metadata,
        ringing_timeout_s=settings.ringing_timeout_s,
        max_call_duration_s=settings.max_call_duration_s,
        agent_timeout_s=settings.agent_timeout_s,
        recorded=campaign.settings.recording.enabled,
        slot_until_settled=campaign.company_limited,
        probe=probe,
    )


Unfinished = list[tuple[ClaimedTask, datetime | None]]
"""Calls that have not ended, and when each began; None: not yet."""


def read_unfinished(connection: Connection, companies: Mapping[UUID, UUID]) -> dict[UUID, Unfinished]:
    """The unfinished calls of these campaigns, each of which is given with its company."""
    found: dict[UUID, Unfinished] = {campaign: [] for campaign in companies}
    parameters = {"campaigns": list(companies), "companies": list(companies.values())}
    with connection.cursor(row_factory=tuple_row) as cursor:
        for campaign, dialing_at, *task in cursor.execute(_sql("unfinished"), parameters):
            found[campaign].append((ClaimedTask(*task), dialing_at))
    return found


def give_back(connection: Connection, campaign: CampaignRow, call_ids: Sequence[UUID], now: datetime) -> None:
    """These calls were claimed and never dialed: take their attempts back. Nothing happens to a call that has been
    dialed meanwhile. Whose contact is to be erased is not called any more: the task has failed, and is counted."""
    connection.execute(_sql("give_back"), {**_ids(campaign), "call_ids": list(call_ids), "now": now})


def claim(
    connection: Connection,
    campaign: CampaignRow,
    call_ids: Sequence[UUID],
    now: datetime,
    opening: Opening | None = None,
    *,
    probe: str | None = None,
    reached: Reached | None = None,
) -> Claim:
    """Claim up to as many tasks as there are ids, in one transaction: highest priority first, then oldest, pending
    and due retries together. Nothing is claimed of a campaign whose status is not running. Raises LeaseLostError when
    the lease has been lost: nothing is written.

    Held in this transaction, over all processes: the company's limit of calls in progress, its attempts at one number
    in 24 hours, and do-not-call. `opening` says when a number's place is open; a contact whose place is closed waits.
    With `probe` also a campaign that only this service's breaker holds. `reached` is where the last claim ended: its
    time then does not grow with what was claimed before, whoever holds a snapshot. Where too little is found from there
    on, or something may be claimable before it, the claim looks from the beginning; tasks alone that were locked by
    someone when claims came past wait for that.
    """
    parameters: dict[str, Any] = {**_ids(campaign), "trunk": campaign.trunk, "now": now, "only": None}
    parameters["probe"] = None if probe is None else f"{BREAKER}{probe}"
    with connection.transaction():
        row = connection.execute(_sql("promote"), parameters).fetchone()
        if row is None or not row[0]:
            raise LeaseLostError(f"campaign {campaign.label} is not ours any more")
        _, company_limited, came_due, total_tasks, *_ = row
        company = _company_limits(connection, campaign) if company_limited else _CompanyLimits(UNLIMITED, None)
        allowed = list(call_ids[: company.room])
        wanted, passed_over = allowed, 0
        if came_due or (reached is not None and reached.total_tasks != total_tasks):
            reached = None
        if opening is not None or company.attempts_per_day is not None:
            parameters["only"], passed_over = _callable_now(
                connection, parameters, len(allowed), company.attempts_per_day, opening
            )
            wanted = allowed[: len(parameters["only"])]  # for one more of them the whole list would be searched
            reached = None
        tasks, refused, end = _take(connection, parameters, wanted, reached)
        if reached is not None and len(tasks) < len(allowed):
            more, more_refused, earlier = _take(connection, parameters, allowed[len(tasks) :], None)
            tasks, refused, end = tasks + more, refused + more_refused, earlier or end
    if end is not None:
        reached = Reached(*end, total_tasks)
    return Claim(
        tasks,
        company_full=len(tasks) == len(allowed) < len(call_ids),
        passed_over=passed_over + refused,
        reached=reached if parameters["only"] is None else None,
    )


def _take(
    connection: Connection, parameters: Mapping[str, Any], call_ids: Sequence[UUID], reached: Reached | None
) -> tuple[list[ClaimedTask], int, tuple[int, datetime] | None]:
    """The next tasks, how many were refused, and the rank and the age of the last one; None: there is none."""
    rank, since = (_FIRST, _EVER) if reached is None else (reached.rank, reached.created_at)
    place = {"rank": Int4(rank), "since": since, "call_ids": array(call_ids)}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(_sql("claim"), {**parameters, **place}).fetchall()
    refused, rank, since = rows[-1][:3]
    tasks = [ClaimedTask(*task) for _, _, _, *task in rows if task[0] is not None]
    return tasks, refused, (rank, since) if tasks else None


def _callable_now(
    connection: Connection,
    parameters: Mapping[str, Any],
    wanted: int,
    most_per_day: int | None,
    opening: Opening | None,
) -> tuple[list[UUID], int]:
    """The next tasks that may be called now, up to `wanted`, and how many of those before them wait from now on."""
    now: datetime = parameters["now"]
    with connection.cursor(row_factory=tuple_row) as cursor:
        candidates = cursor.execute(
            _sql("candidates"),
            {**parameters, "count": max(wanted, _CANDIDATES), "most_per_day": most_per_day or UNLIMITED},
        ).fetchall()
    ready: list[UUID] = []
    deferred: dict[UUID, datetime] = {}
    never: list[UUID] = []
    for task_id, phone_number, rests_until in candidates:
        earliest = max(now, rests_until or now)
        opens = earliest if opening is None else opening(phone_number, earliest)
        if opens is None:
            never.append(task_id)
        elif opens > now:
            deferred[task_id] = opens
        elif len(ready) < wanted:
            ready.append(task_id)
    if deferred:
        connection.execute(_sql("defer"), {"task_ids": list(deferred), "until": list(deferred.values())})
    if never:
        connection.execute(_sql("give_up"), {**parameters, "task_ids": never})
    return ready, len(deferred) + len(never)


def settle(
    connection: Connection, campaign: CampaignRow, results: Sequence[tuple[CallResult, Verdict]], now: datetime
) -> None:
    """Write how these calls ended, what becomes of their tasks, and the campaign's counters, in one transaction. An
    answered call gets the estimate of its receipt, if the trunk that it went through has a price for its number; who
    wants no such calls comes onto the company's do-not-call list. Settling a result again changes nothing. Raises
    LeaseLostError when the lease has been lost: nothing is written."""
    prices = [campaign.prices.get(result.call.trunk) for result, _ in results]
    amounts = [_estimate(price_list, result) for price_list, (result, _) in zip(prices, results, strict=True)]
    columns: dict[str, Any] = {
        "call_ids": array([result.call.call_id for result, _ in results]),
        "outcomes": array([result.outcome for result, _ in results]),
        "errors": [result.error for result, _ in results],
        "sip_status_codes": array([result.sip_status_code for result, _ in results]),
        "sip_call_ids": [result.sip_call_id for result, _ in results],
        "answered_at": array([result.answered_at for result, _ in results]),
        "agent_joined_at": array([result.agent_joined_at for result, _ in results]),
        "ended_at": array([result.ended_at for result, _ in results]),
        "statuses": array([verdict.status for _, verdict in results]),
        "next_attempt_at": array([verdict.next_attempt_at for _, verdict in results]),
        "attempt_counts": array([verdict.attempt_counts for _, verdict in results]),
        "receipt_ids": array([None if amount is None else new_id() for amount in amounts]),
        "amounts": array(amounts),
        "currencies": array([price_list.currency if price_list else None for price_list in prices]),
    }
    with connection.transaction():
        row = connection.execute(_sql("settle"), {**columns, **_ids(campaign), "now": now}).fetchone()
        if row is None or not row[0]:
            raise LeaseLostError(f"campaign {campaign.label} is not ours any more")
        if unwanted := [result.call.phone_number for result, _ in results if result.fault is Fault.UNWANTED]:
            ids = [new_id() for _ in unwanted]
            connection.execute(_sql("unwanted"), {**_ids(campaign), "ids": ids, "numbers": unwanted, "now": now})
        if campaign.company_limited:
            connection.execute("SELECT pg_notify('campaignd', 'company:' || %s)", (str(campaign.company_id),))


def _estimate(prices: PriceList | None, result: CallResult) -> Decimal | None:
    if prices is None or result.answered_at is None:
        return None
    return prices.price(result.call.phone_number, result.ended_at - result.answered_at)


def reconsider(connection: Connection, campaign: CampaignRow) -> None:
    """Let contacts be looked at anew that were put off by rules which may have changed since."""
    connection.execute(_sql("reconsider"), _ids(campaign))


def read_prospects(connection: Connection, campaign: CampaignRow) -> Prospects:
    """What is still to be done."""
    with connection.cursor(row_factory=class_row(Prospects)) as cursor:
        prospects = cursor.execute(_sql("prospects"), _ids(campaign)).fetchone()
    assert prospects is not None  # a SELECT without FROM has one row
    return prospects


@dataclass(frozen=True)
class _CompanyLimits:
    room: int  # calls that may be added now
    attempts_per_day: int | None


def _company_limits(connection: Connection, campaign: CampaignRow) -> _CompanyLimits:
    with connection.cursor(row_factory=tuple_row) as cursor:
        limits = cursor.execute(_sql("company_limit"), _ids(campaign)).fetchone()
        calls = cursor.execute(_sql("company_calls"), _ids(campaign)).fetchone()
    assert limits is not None and calls is not None  # the company is there: campaigns refer to it
    most, per_day = limits
    return _CompanyLimits(UNLIMITED if most is None else max(most - calls[0], 0), per_day)


def _ids(campaign: CampaignRow) -> dict[str, UUID | int]:
    return {"campaign": campaign.id, "company": campaign.company_id, "epoch": campaign.epoch}
