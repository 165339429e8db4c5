"""Who may look at the page, and what it can't be made to do."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

import pytest

from supervisor.database.pool import open_pool
from supervisor.http.database import Database
from supervisor.tree.loop import LoopThread
from tests.breakers.rows import write_breaker
from tests.http.conftest import serving
from tests.http.site import Site
from tests.world import TOKEN, TUESDAY

HERE = ("127.0.0.1", "127.0.0.1:9464", "localhost:9464", "LocalHost", "[::1]:9464", "127.1.2.3")
ELSEWHERE = (
    "attacker.example",
    "attacker.example:9464",
    "localhost.attacker.example",
    "10.0.0.1",
    "[",
    "",
    "127.0.0.1@x",
)


@pytest.fixture
def open_site(loop: LoopThread, dsn: str) -> Iterator[Site]:
    """Without a token."""
    with open_pool(dsn, 4) as pool:
        yield from serving(Site(database=Database(pool, dsn), token=None), loop)


def password(user: str, password: str) -> str:
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def test_the_token_opens_the_page_as_a_bearer_token_or_as_a_browsers_password(full_site: Site) -> None:
    for given in (f"Bearer {TOKEN}", password("", TOKEN), password("anybody", TOKEN)):
        answer = full_site.ask("GET", "/", Authorization=given)
        assert (answer.status, answer.content_type) == (200, "text/html; charset=utf-8")
    assert b"Campaigns" in answer.body


def test_without_the_token_a_browser_is_told_to_ask_for_a_password(full_site: Site) -> None:
    wrong = (
        None,
        password("", ""),
        password(TOKEN, ""),
        password("", TOKEN + "x"),
        "Basic",
        "Basic %",
        TOKEN,
        "Bearer x",
    )
    for given in wrong:
        answer = full_site.ask("GET", "/", **({} if given is None else {"Authorization": given}))
        assert answer.refusal == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_a_browsers_password_opens_the_page_alone(full_site: Site) -> None:
    """Browsers send it along with whatever a stranger's page has them send."""
    for path in ("/campaigns", "/queue-management/status"):
        answer = full_site.ask("GET", path, Authorization=password("", TOKEN))
        assert answer.refusal == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_without_a_token_the_page_is_for_this_machines_browsers(open_site: Site) -> None:
    for host in HERE:
        assert open_site.ask("GET", "/", Host=host).status == 200, host


def test_without_a_token_a_name_that_was_made_to_lead_here_shows_nothing(open_site: Site) -> None:
    for host in ELSEWHERE:
        assert open_site.ask("GET", "/", Host=host).status in (400, 401), host


@pytest.mark.parametrize("header", ["X_Forwarded_For", "Forwarded", "Via", "X_Real_IP", "X_Forwarded_Host"])
def test_without_a_token_a_proxy_shows_nothing_to_others(open_site: Site, header: str) -> None:
    answer = open_site.ask("GET", "/", **{header: "for=10.0.0.1"})
    assert answer.refusal == (401, "unauthorized")
    assert "CAMPAIGND_HTTP_TOKEN" in answer.json["details"]


def test_without_a_token_only_the_page_is_open(open_site: Site) -> None:
    assert open_site.ask("GET", "/campaigns").status == 401


def test_the_page_runs_nothing_and_loads_nothing(open_site: Site) -> None:
    answer = open_site.ask("GET", "/")
    page = answer.body.decode()
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ") and "frame-ancestors 'none'" in policy
    assert not re.findall(r"<script|<link|<iframe|<img|\bsrc=|\bhref=|\bon\w+=|\bstyle=|@import|url\(", page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert (answer.headers["X-Content-Type-Options"], answer.headers["Cache-Control"]) == ("nosniff", "no-store")


def test_names_and_errors_are_text_whatever_they_say(open_site: Site) -> None:
    evil = """<script>alert(1)</script>"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"""
    with open_site.database._pool.connection() as connection:
        connection.execute(
            "INSERT INTO companies (id, slug, name, created_at, updated_at)"
            " VALUES (gen_random_uuid(), 'acme', 'Acme', now(), now())"
        )
        connection.execute(
            "INSERT INTO skillbases (id, company_id, slug, agent_name, created_at, updated_at)"
            " SELECT id, id, 's', 'agent', now(), now() FROM companies"
        )
        connection.execute(
            "INSERT INTO campaigns (id, company_id, skillbase_id, name, trunk, status, status_message, status_error,"
            " created_at, updated_at)"
            " SELECT id, id, id, %(evil)s::text, 'main', 'paused', %(evil)s::text, %(evil)s::text, now(), now()"
            " FROM companies",
            {"evil": evil},
        )
        write_breaker(connection, "livekit", "half_open", TUESDAY, last_error=evil, last_error_at=TUESDAY)
    page = open_site.ask("GET", "/").body.decode()
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "<script" not in page and "<img" not in page and "{{ 7 * 7 }}" in page


def test_without_postgresql_the_page_says_so_and_tries_again(site: Site) -> None:
    answer = site.ask("GET", "/", **site.bearer)
    assert (answer.status, answer.content_type) == (503, "text/html; charset=utf-8")
    page = answer.body.decode()
    assert "PostgreSQL can't be asked now" in page and 'http-equiv="refresh"' in page
    assert "Content-Security-Policy" in answer.headers
