"""Brings the database to what the files say: companies, skillbases, campaigns, their lists, holds and starts.

Each step can be done again without harm, so that a service killed in the middle goes on at its next start.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from psycopg import Connection, sql
from psycopg.types.json import Jsonb

from actors.errors import CallListValidationError, CampaignNotFoundError, CampaignValidationError, DatabaseError
from actors.ids import new_id
from actors.jobs.call_lists.importing import import_call_list
from actors.roster import statuses
from actors.roster.lifecycle import CONFIG, Hold, Status
from supervisor.config.campaign import Campaign, CampaignFile
from supervisor.config.load import Snapshot

_ACTIVE = "status IN ('running', 'paused')"
_DISABLED = "Paused: disabled in its file"

Owner = tuple[UUID, UUID]
"""Ids of a company and of one of its skillbases."""

Progress = Callable[[str, int, int], None]
"""Campaign's slug, bytes of its list read, bytes in all; both 0 while another import into it is waited for."""


def write_settings(connection: Connection, snapshot: Snapshot, now: datetime) -> dict[str, UUID]:
    """Write what the files say about companies, skillbases and campaigns, and hold campaigns that are disabled or
    whose file is gone, all in one transaction. To be done before anyone dials. Campaigns for which anything changes
    are told. Never deletes. Returns the campaigns' ids by their slugs."""
    with connection.transaction():
        _write_prices(connection, snapshot, now)
        owners = _write_companies(connection, snapshot, now)
        campaigns = _write_campaigns(connection, snapshot.campaigns, owners, now)
        _hold_or_lift(connection, snapshot.campaigns, campaigns, now)
        _hold_campaigns_without_file(connection, list(campaigns), now)
    return campaigns


def import_and_start(
    connection: Connection,
    snapshot: Snapshot,
    campaigns: Mapping[str, UUID],
    now: Callable[[], datetime],
    progress: Progress,
) -> dict[str, UUID]:
    """Import the lists that are new or changed, and start enabled drafts that have tasks. May take minutes, beside
    calling; hence `now` is asked for each campaign. `connection` is in autocommit mode. Returns the campaigns for which
    it is to be done again, since their list can't be read, or not be written, at this moment."""
    rows = connection.execute(
        "SELECT id, call_list_sha256, status FROM campaigns WHERE id = ANY(%s)", (list(campaigns.values()),)
    ).fetchall()
    known = {campaign_id: (digest, Status(status)) for campaign_id, digest, status in rows}
    put_off: dict[str, UUID] = {}
    for slug, campaign_id in campaigns.items():
        if campaign_id not in known:
            continue  # deleted meanwhile
        imported, status = known[campaign_id]
        call_list = snapshot.call_list(slug)
        try:
            if call_list is not None and (digest := digest_of(call_list)) != imported:
                _import(connection, slug, campaign_id, call_list, digest, now(), progress)
        except (OSError, DatabaseError) as error:
            # One campaign's list must not keep the others from calling.
            structlog.get_logger().warning("call_list_put_off", campaign=slug, reason=str(error))
            put_off[slug] = campaign_id
            continue
        if snapshot.campaigns[slug].enabled and status is Status.DRAFT:
            _start_if_draft(connection, slug, campaign_id, now())
    return put_off


def digest_of(call_list: Path) -> str:
    """SHA-256 of a list, by which it is known to have been imported. Raises OSError."""
    with call_list.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def campaign_columns(campaign: Campaign) -> dict[str, Any]:
    """What stands in `campaigns` of a campaign's description, by column; whose it is and its slug are not among it."""
    schedule, retry = campaign.schedule, campaign.retry
    return {
        "name": campaign.name,
        "description": campaign.description,
        "trunk": campaign.trunk,
        "mode": campaign.mode,
        "default_region": campaign.default_region,
        **schedule.model_dump(exclude={"days"}),
        "days": None if schedule.days is None else list(schedule.days),
        **campaign.limits.model_dump(),
        **retry.model_dump(exclude={"outcomes"}),
        "retry_outcomes": Jsonb({outcome.value: rule for outcome, rule in retry.outcomes.items()}),
        **campaign.call.model_dump(),
        "recording_enabled": campaign.recording.enabled,
    }


def _write_prices(connection: Connection, snapshot: Snapshot, now: datetime) -> None:
    """What trunks cost, as of now; campaigns whose trunk's prices have changed are told."""
    prices = {name: trunk.prices.price_list() for name, trunk in snapshot.service.trunks.items() if trunk.prices}
    gone = connection.execute("DELETE FROM trunk_prices WHERE trunk <> ALL(%s) RETURNING trunk", (list(prices),))
    changed = [row[0] for row in gone.fetchall()]
    for name, price_list in prices.items():
        written = connection.execute(
            "INSERT INTO trunk_prices AS p (trunk, prices, updated_at) VALUES (%s, %s, %s) ON CONFLICT (trunk)"
            " DO UPDATE SET prices = excluded.prices, updated_at = excluded.updated_at"
            " WHERE p.prices <> excluded.prices",
            (name, Jsonb(price_list.as_json()), now),
        )
        if written.rowcount:
            changed.append(name)
    connection.execute(f"UPDATE campaigns SET updated_at = %s WHERE trunk = ANY(%s) AND {_ACTIVE}", (now, changed))


def _write_companies(connection: Connection, snapshot: Snapshot, now: datetime) -> dict[tuple[str, str], Owner]:
    """Ids of company and skillbase, by the slugs of both. Campaigns of those that have changed are told."""
    tenants = snapshot.service.tenants
    companies, changed = _upsert(
        connection,
        "companies",
        ("slug",),
        [
            {
                "slug": slug,
                "name": company.name,
                "max_concurrent_calls": company.max_concurrent_calls,
                "max_attempts_per_day": company.max_attempts_per_day,
                "recording_slots": company.recording_slots,
                "recording_retention_days": company.retention_days,
            }
            for slug, company in tenants.items()
        ],
        now,
    )
    skillbases, new_or_changed = _upsert(
        connection,
        "skillbases",
        ("company_id", "slug"),
        [
            {
                "company_id": companies[(slug,)],
                "slug": skillbase_slug,
                "agent_name": skillbase.agent_name,
                "metadata": dict(skillbase.metadata),
            }
            for slug, company in tenants.items()
            for skillbase_slug, skillbase in company.skillbases.items()
        ],
        now,
    )
    changed += new_or_changed
    connection.execute(
        f"UPDATE campaigns SET updated_at = %(now)s WHERE {_ACTIVE}"
        " AND (company_id = ANY(%(changed)s) OR skillbase_id = ANY(%(changed)s))",
        {"now": now, "changed": changed},
    )
    return {
        (slug, skillbase): (companies[(slug,)], skillbases[companies[(slug,)], skillbase])
        for slug, company in tenants.items()
        for skillbase in company.skillbases
    }


def _write_campaigns(
    connection: Connection, files: Mapping[str, CampaignFile], owners: Mapping[tuple[str, str], Owner], now: datetime
) -> dict[str, UUID]:
    rows = []
    for slug, file in files.items():
        company_id, skillbase_id = owners[file.company, file.skillbase]
        owned = {"slug": slug, "company_id": company_id, "skillbase_id": skillbase_id}
        rows.append({**owned, **campaign_columns(file)})
    ids, _ = _upsert(connection, "campaigns", ("slug",), rows, now)
    return {slug: ids[(slug,)] for slug in files}


def _hold_or_lift(
    connection: Connection, files: Mapping[str, CampaignFile], campaigns: Mapping[str, UUID], now: datetime
) -> None:
    held: dict[UUID, str] = dict(
        connection.execute("SELECT campaign_id, message FROM campaign_holds WHERE hold = %s", (CONFIG,)).fetchall()
    )
    for slug, file in files.items():
        message = held.get(campaigns[slug])
        if file.enabled and message is not None:
            statuses.lift(connection, campaigns[slug], CONFIG, now, "enabled in its file")
        elif not file.enabled and message != _DISABLED:
            statuses.hold(connection, campaigns[slug], Hold(CONFIG, _DISABLED), now)


def _hold_campaigns_without_file(connection: Connection, slugs: list[str], now: datetime) -> None:
    gone = connection.execute(
        "SELECT id FROM campaigns WHERE slug IS NOT NULL AND slug <> ALL(%s)"
        " AND NOT EXISTS (SELECT FROM campaign_holds h WHERE h.campaign_id = campaigns.id AND h.hold = %s)",
        (slugs, CONFIG),
    ).fetchall()
    for (campaign_id,) in gone:
        statuses.hold(connection, campaign_id, Hold(CONFIG, "Paused: its file has been removed"), now)


def _import(
    connection: Connection,
    slug: str,
    campaign_id: UUID,
    call_list: Path,
    digest: str,
    now: datetime,
    progress: Progress,
) -> None:
    """Unless another service has done so meanwhile, or the campaign is over."""
    log = structlog.get_logger().bind(campaign=slug, file=str(call_list))
    row = connection.execute("SELECT call_list_sha256, status FROM campaigns WHERE id = %s", (campaign_id,)).fetchone()
    if row is None or row[0] == digest:
        return
    if Status(row[1]) in (Status.COMPLETED, Status.FAILED):
        log.warning("call_list_not_imported", reason=f"the campaign is {row[1]}")
        return
    try:
        with connection.transaction():
            result = import_call_list(
                connection, campaign_id, call_list, now, lambda done, total: progress(slug, done, total)
            )
            connection.execute("UPDATE campaigns SET call_list_sha256 = %s WHERE id = %s", (digest, campaign_id))
    except (CallListValidationError, CampaignValidationError, CampaignNotFoundError) as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None  # the list was there to be hashed: it is put off, as if it had not been
        log.error("call_list_not_imported", reason=str(error))
        return
    log.info("call_list_imported", total=result.total, created=result.created, errors=len(result.errors))
    for error_text in result.errors[:20]:
        log.warning("call_list_row_refused", reason=error_text)


def _start_if_draft(connection: Connection, slug: str, campaign_id: UUID, now: datetime) -> None:
    row = connection.execute("SELECT status, total_tasks FROM campaigns WHERE id = %s", (campaign_id,)).fetchone()
    if row is None or row[0] != Status.DRAFT:
        return
    if row[1] == 0:
        structlog.get_logger().warning("campaign_not_started", campaign=slug, reason="it has no tasks")
        return
    # At this moment another service of this database may start it too, a newer configuration hold it, an operator
    # delete it.
    with suppress(CampaignValidationError, CampaignNotFoundError):
        statuses.start(connection, campaign_id, now, "enabled in its file")


def _upsert(
    connection: Connection, table: str, key: tuple[str, ...], rows: Sequence[Mapping[str, Any]], now: datetime
) -> tuple[dict[tuple[Any, ...], UUID], list[UUID]]:
    """Insert these, which have the same columns, or change what differs: a row that is as it should be is not touched,
    and wakes nobody. Two statements, however many rows. Returns their ids by their keys, and the ids of those that were
    written."""
    if not rows:
        return {}, []
    columns = [*rows[0]]
    changing = [column for column in columns if column not in key]
    names = {
        "table": sql.Identifier(table),
        "columns": _identifiers(columns),
        "key": _identifiers(key),
        "changing": _identifiers(changing),
        "old": _identifiers(changing, "t"),
        "new": _identifiers(changing, "excluded"),
    }
    upsert = sql.SQL(
        "INSERT INTO {table} AS t (id, created_at, updated_at, {columns})"
        " SELECT id, %(now)s, %(now)s, {columns} FROM jsonb_populate_recordset(NULL::{table}, %(rows)s)"
        " ON CONFLICT ({key}) DO UPDATE SET updated_at = excluded.updated_at, ({changing}) = ROW({new})"
        " WHERE ({old}) IS DISTINCT FROM ({new}) RETURNING id"
    ).format(**names)
    # A statement of its own: it also sees what another service has inserted meanwhile.
    lookup = sql.SQL(
        "SELECT id, {key} FROM {table} WHERE ({key}) IN"
        " (SELECT {key} FROM jsonb_populate_recordset(NULL::{table}, %(rows)s))"
    ).format(**names)
    values = {"rows": Jsonb([{"id": new_id(), **row} for row in rows], dumps=_as_json), "now": now}
    written = [row[0] for row in connection.execute(upsert, values).fetchall()]
    return {tuple(found): row_id for row_id, *found in connection.execute(lookup, values).fetchall()}, written


def _as_json(rows: object) -> str:
    """With what JSON has no type for as PostgreSQL reads it from a text."""
    return json.dumps(rows, default=lambda value: value.obj if isinstance(value, Jsonb) else str(value))


def _identifiers(names: Sequence[str], qualifier: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(qualifier, name) if qualifier else sql.Identifier(name) for name in names)
