"""What a busy service logs at debug level, libraries included, while much goes wrong: nobody's number, no secret."""

from __future__ import annotations

import json
import re
import signal
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from supervisor.database.migrations import migrate
from supervisor.database.roles import OWNER, become, set_up_roles
from tests.acceptance.running import Running
from tests.acceptance.setting import Setting
from tests.waiting import wait_until
from tests.world import as_service

TOKEN = "the-token-of-the-interface-8472"
PASSWORD = "the-password-of-postgresql-9164"
UNSETTLED = "+79450000777"
"""Its call can't be written down: PostgreSQL says why, and with it the whole row."""
REFUSED = ("8 (945) 000-07-70 12", "+7 945 000 0771 3", "99945000077234", "not a number 0945 0000773")
"""Rows that no number can be made of, written as people write them."""
ASKED = "+79450000780"
BEHAVIOURS = {
    "+79450000701": {"kind": "refuse", "sip_code": 404, "sip_status": "Not Found"},
    "+79450000702": {"kind": "refuse", "sip_code": 503, "sip_status": "Service Unavailable to +79450000702"},
    "+79450000703": {"kind": "refuse", "sip_code": 486, "sip_status": "Busy Here"},
    "+79450000704": {"kind": "answer", "ring_s": 1, "talk_s": 5, "agent_joins": False},
    "+79450000705": {"kind": "answer", "ring_s": 1, "talk_s": 5},
    "+79450000706": {"kind": "no_answer"},
    UNSETTLED: {"kind": "answer", "ring_s": 1, "talk_s": 2},
}


@pytest.fixture
def busy(setting: Setting) -> Iterator[tuple[Setting, psycopg.Connection]]:
    """A set-up whose service runs as the role that may only write rows, with a campaign for everything that can go
    wrong."""
    set_up_roles(setting.dsn)
    migrate(become(setting.dsn, OWNER))
    setting.script(BEHAVIOURS)
    secrets = {"CAMPAIGND_HTTP_TOKEN": TOKEN, "PGPASSWORD": PASSWORD}
    environment = {**setting.environment, **secrets, "PYTHONASYNCIODEBUG": "1"}
    with psycopg.connect(setting.dsn, autocommit=True) as database:
        database.execute(
            "ALTER TABLE calls ADD CONSTRAINT unsettled"
            f" CHECK (phone_number <> '{UNSETTLED}' OR outcome IS NULL)".encode()
        )
        yield replace(setting, dsn=as_service(setting.dsn), environment=environment), database
        database.execute("ALTER TABLE calls DROP CONSTRAINT unsettled")


@pytest.mark.parametrize("form", ["text", "json"])
def test_nobodys_number_and_no_secret_is_ever_logged(busy: tuple[Setting, psycopg.Connection], form: str) -> None:
    setting, database = busy
    setting.campaign(f"spring_{form}", "Spring", [*(number for number in BEHAVIOURS if number != UNSETTLED), *REFUSED])
    setting.campaign(f"unsettled_{form}", "Unsettled", [UNSETTLED])
    configuration = setting.configuration
    text = f'{configuration.read_text()}\n[logging]\nlevel = "debug"\nformat = "{form}"\n'
    file = configuration.with_name(f"{form}.toml")
    file.write_text(text)
    with Running("run", "--config", file, env=setting.environment) as service:
        wait_until(lambda: service.ended or setting.get("/readyz")[0] == 200, 30, "the service to be ready")
        ask(f"{setting.http}/webhooks/livekit", json.dumps({"number": ASKED}), Authorization=f"Bearer {TOKEN}")
        ask(f"{setting.http}/campaigns?number=%2B{ASKED[1:]}", None, Authorization="Bearer a-wrong-token")
        ask(f"{setting.http}/campaigns", json.dumps({"name": ASKED}), Authorization=f"Bearer {TOKEN}")
        wait_until(lambda: settled(database, f"spring_{form}") >= len(BEHAVIOURS) - 1, 60, "calls to end")
        wait_until(lambda: "actor_died" in service.err and "unsettled" in service.err, 60, "an actor to die of its row")
        for _ in range(2):  # the second because one call can't be settled
            service.signal_group(signal.SIGTERM)
            wait_until(lambda: '"stopping"' in service.err or "stopping " in service.err, 20)
        service.end(60)
        said = service.err
    kept = database.execute(
        "SELECT error_message FROM calls UNION SELECT status_error FROM campaigns"
        " UNION SELECT last_error FROM circuit_breakers"
    ).fetchall()
    assert "Service Unavailable to +7945***0702" in str(kept), "what people are shown of a carrier's answer"
    assert "94500007" not in str(kept)
    for fact in ("service_ready", "call_list_row_refused", "webhook_refused", "call_ended", "Failing row contains"):
        assert fact in said
    digits = re.sub(r"[ ().\-]", "", said)
    for number in (*BEHAVIOURS, ASKED, *REFUSED):
        assert re.sub(r"\D", "", number)[-9:] not in digits, f"{number} is in the log"
    for secret in (TOKEN, PASSWORD, "a-wrong-token", setting.environment["LIVEKIT_API_SECRET"]):
        assert secret not in said
    if form == "json":
        entries = [json.loads(line) for line in said.splitlines()]
        assert all({"event", "level", "timestamp"} <= entry.keys() for entry in entries)
        assert "debug" in {entry["level"] for entry in entries}, "no library was asked to tell more"


def ask(url: str, body: str | None, **headers: str) -> None:
    """What it answers does not matter here."""
    request = urllib.request.Request(url, None if body is None else body.encode(), headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    refused.value.close()


def settled(database: psycopg.Connection, slug: str) -> int:
    row = database.execute(
        "SELECT count(*) FROM call_tasks t JOIN campaigns c ON c.id = campaign_id WHERE slug = %s AND attempt_count > 0"
        " AND t.status <> 'in_progress'",
        (slug,),
    ).fetchone()
    assert row is not None
    count: int = row[0]
    return count
