"""What holds of every request: who may ask, how large and slow it may be, and what is said when it goes wrong."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from supervisor.http import problems, requests
from supervisor.http.database import Database
from supervisor.http.operations import OPERATIONS, Operation
from supervisor.tree.loop import LoopThread
from tests.breakers.rows import write_breaker
from tests.http.conftest import serving
from tests.http.site import Site
from tests.world import TOKEN, TUESDAY

PROTECTED = [operation for operation in OPERATIONS if not operation.is_open]
OPEN = [operation for operation in OPERATIONS if operation.is_open]


def path(operation: Operation) -> str:
    return operation.path.replace("{id}", str(UUID(int=7)))


def name(operation: Operation) -> str:
    return f"{operation.method} {operation.path}"


# Who may ask


WRONG = (None, "", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer caf\xe9")


@pytest.mark.parametrize("operation", PROTECTED, ids=name)
def test_nobody_asks_without_the_token(site: Site, operation: Operation) -> None:
    for authorization in WRONG:
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = site.ask(operation.method.upper(), path(operation), **headers)
        assert answer.refusal == (401, "unauthorized"), authorization
        assert answer.headers["WWW-Authenticate"].startswith("Basic" if operation.is_page else "Bearer")


@pytest.mark.parametrize("operation", OPEN, ids=name)
def test_what_is_open_wants_no_token(site: Site, operation: Operation) -> None:
    site.ready = True
    answer = site.ask(operation.method.upper(), path(operation))
    if operation.path == "/webhooks/livekit":
        assert answer.json["details"] != "a bearer token is needed"
    else:
        assert answer.status == 200


def test_the_scheme_may_be_written_as_one_likes(shared_site: Site) -> None:
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert shared_site.ask("GET", "/campaigns", Authorization=f"{scheme} {TOKEN}").status == 200


def test_without_a_configured_token_nobody_may_ask(loop: LoopThread) -> None:
    for site in serving(Site(token=None), loop):
        for authorization in ("Bearer ", "Bearer None", f"Bearer {TOKEN}"):
            answer = site.ask("GET", "/campaigns", Authorization=authorization)
            assert answer.refusal == (401, "unauthorized")
            assert "CAMPAIGND_HTTP_TOKEN" in answer.json["details"]
        assert site.ask("GET", "/healthz").status == 200


# What is not there


@pytest.mark.parametrize(
    ("method", "where", "status"),
    [("PUT", "/campaigns", 405), ("PATCH", "/campaigns/7", 405), ("POST", "/healthz", 405), ("GET", "/nothing", 404)],
)
def test_what_is_not_there_is_said_in_json(site: Site, method: str, where: str, status: int) -> None:
    answer = site.ask(method, where, **site.bearer)
    assert answer.refusal[0] == status
    assert answer.json["details"] == f"{method} {where}"
    assert ("Allow" in answer.headers) == (status == 405)


# How large


@pytest.mark.parametrize(
    "headers",
    [{"X_Long": "x" * 9000}, {f"X_{n}": "x" * 4000 for n in range(20)}, {f"X_{n}": "x" for n in range(110)}],
    ids=["one is long", "all are long", "many"],
)
def test_too_large_a_head_is_refused(site: Site, headers: dict[str, str]) -> None:
    assert site.ask("GET", "/healthz", **headers).refusal == (431, "Request header fields too large")


def test_too_long_an_address_is_refused(site: Site) -> None:
    assert site.ask("GET", "/healthz?" + "x" * 9000).refusal[0] == 431


def test_too_large_a_body_is_refused(site: Site) -> None:
    assert site.post("/campaigns", b" " * ((1 << 20) + 1)).refusal[0] == 413


@pytest.mark.parametrize("request_line", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01"])
def test_what_is_no_http_is_refused_in_json(site: Site, request_line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as client:
        client.sendall(request_line)
        answered = b"".join(iter(lambda: client.recv(4096), b""))
    assert b" 400 Bad Request" in answered.splitlines()[0]
    assert b'{"error": "Malformed request"' in answered


# How slow


def test_a_body_that_does_not_come_is_given_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_TIMEOUT_S", 0.2)
    head = f"POST /campaigns HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 9\r\n\r\n"
    with socket.create_connection(("127.0.0.1", site.port), timeout=10) as client:
        client.sendall(head.encode())
        assert client.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_an_answer_that_takes_too_long_is_given_up(full_site: Site, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "REQUEST_TIMEOUT_S", 0.3)
    with psycopg.connect(dsn) as connection:
        connection.execute("LOCK TABLE campaigns")
        assert full_site.get("/campaigns").refusal == (503, "Timed out")
        assert full_site.ask("GET", "/healthz").status == 200


# What is behind it


@pytest.fixture
def away_site(loop: LoopThread) -> Iterator[Site]:
    """Its PostgreSQL is away."""
    nowhere = "host=127.0.0.1 port=1 connect_timeout=1"
    with ConnectionPool(nowhere, min_size=0, max_size=1, timeout=0.3, open=True, reconnect_timeout=0.1) as pool:
        yield from serving(Site(database=Database(pool, nowhere)), loop)


@pytest.mark.parametrize(
    "ask",
    [
        lambda site: site.get("/campaigns"),
        lambda site: site.get("/queue-management/status"),
        lambda site: site.delete(f"/campaigns/{UUID(int=7)}"),
        lambda site: site.ask("POST", f"/campaigns/{UUID(int=7)}/call-list?filename=a.csv", b"a", **site.bearer),
    ],
)
def test_without_postgresql_the_service_says_so(
    away_site: Site, ask: Callable[[Site], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.http.database._GET_TIMEOUT_S", 0.3)
    answer = ask(away_site)
    assert getattr(answer, "refusal", None) == (503, "Database unavailable")


def test_a_postgresql_that_may_not_be_written_is_no_fault_of_ours() -> None:
    """As while it is being changed for another."""
    error = psycopg.errors.ReadOnlySqlTransaction("cannot execute UPDATE in a read-only transaction")
    assert problems.answer_to(error).status == 503


def test_a_schema_that_is_too_old_is_said_in_a_line(full_site: Site, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("ALTER TABLE campaign_holds RENAME TO holds_of_another_version")
    answer = full_site.get("/campaigns")
    assert answer.refusal == (503, "Database migration required")
    assert answer.json["details"] == "run `campaignd migrate`"


def test_a_mistake_of_ours_is_not_told_to_strangers(full_site: Site, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("ALTER TABLE campaigns ADD CONSTRAINT a_secret CHECK (name <> 'Spring')")
    answer = full_site.post(
        "/campaigns", {"name": "Spring", "company": "acme", "skillbase": "renewals", "trunk": "main"}
    )
    assert answer.refusal == (500, "Internal error")
    assert b"secret" not in answer.body


# The circuit breakers


def test_every_service_of_the_configuration_has_a_breaker(shared_site: Site) -> None:
    data = shared_site.get("/queue-management/status").data
    assert list(data) == [
        "livekit",
        "trunk:main",
        "trunk:second",
        "agents:renewals-agent",
        "agents:sales-agent",
        "recordings",
    ]
    assert set(map(str, data.values())) == {"{'circuit_state': 'closed', 'pause_info': None}"}


def test_an_open_breaker_says_why(full_site: Site, dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        errors = {"last_error": "SIP 503", "error_count": 7, "last_error_at": TUESDAY + timedelta(minutes=5)}
        write_breaker(connection, "trunk:main", "open", TUESDAY, **errors)
        write_breaker(connection, "livekit", "half_open", TUESDAY)
        write_breaker(connection, "trunk:gone", "open", TUESDAY)
    data = full_site.get("/queue-management/status").data
    assert "trunk:gone" not in data and data["recordings"] == {"circuit_state": "closed", "pause_info": None}
    assert data["trunk:main"] == {
        "circuit_state": "open",
        "pause_info": "circuit breaker trunk:main is open since 2026-12-01T09:00:00+00:00: SIP 503"
        " (7 errors, last at 2026-12-01T09:05:00+00:00)",
    }
    assert data["livekit"]["circuit_state"] == "half_open"
    assert data["livekit"]["pause_info"].startswith("circuit breaker livekit is half open since ")
