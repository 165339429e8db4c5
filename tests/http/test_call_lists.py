"""A call list over HTTP: as a form or as it is, by the rules of `campaignd import`."""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import openpyxl
import psycopg
import pytest

from supervisor.http import call_lists
from tests.http.site import Answer, Site
from tests.http.test_campaigns import make, set_status
from tests.waiting import wait_until

LIST = b"phone_number,name\n+79450000001,A\n+79450000002,B\n\n+79450000001,C\n,D\n"
IMPORTED = {
    "total": 4,
    "created": 2,
    "errors": ["Row 5: Duplicate of row 2", "Row 6: Empty phone number"],
}
LOCK = "SELECT pg_advisory_lock(hashtextextended('call list of campaign ' || %s::uuid, 0))"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'campaignd http' AND query ~ 'try_advisory|pg_sleep'"
)


def send(site: Site, campaign: object, body: bytes, name: str = "spring.csv") -> Answer:
    return site.ask("POST", f"/campaigns/{campaign}/call-list?filename={name}", body, **site.bearer)


def send_form(site: Site, campaign: object, body: bytes, *, field: str = "file", name: str = "spring.csv") -> Answer:
    head = f'--limit\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n\r\n'
    form = b'--limit\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    form += head.encode() + body + b"\r\n--limit--\r\n"
    kind = "multipart/form-data; boundary=limit"
    return site.ask("POST", f"/campaigns/{campaign}/call-list", form, Content_Type=kind, **site.bearer)


def test_a_list_is_imported_as_a_form_or_as_it_is(full_site: Site) -> None:
    for sending in (send, send_form):
        campaign = make(full_site)
        assert sending(full_site, campaign, LIST).data == IMPORTED
        assert full_site.get(f"/campaigns/{campaign}").data["total_tasks"] == 2
        again = sending(full_site, campaign, LIST).data
        assert (again["created"], again["errors"][0]) == (0, "Row 2: Already in this campaign")


def test_a_workbook_is_a_list_too(full_site: Site) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("phone_number", "name"), ("+79450000001", "A")):
        sheet.append(row)
    book.save(written := io.BytesIO())
    campaign = make(full_site)
    answer = send_form(full_site, campaign, written.getvalue(), name="spring.xlsx")
    assert answer.data == {"total": 1, "created": 1, "errors": []}


def test_a_list_that_can_t_be_read_is_refused_in_the_words_of_the_import(full_site: Site) -> None:
    campaign = make(full_site)

    def refused(body: bytes, name: str) -> str:
        status, error = send(full_site, campaign, body, name).refusal
        assert status == 400
        return error

    assert refused(LIST, "list.pdf").startswith("Unsupported file format: .pdf")
    assert refused(b"name\nAnna\n", "list.csv") == "Missing required columns: phone_number"
    assert refused(b"", "..%2F..%2Fspring.csv") == "The call list is empty: spring.csv"
    assert refused(b"", "C:%5Clists%5Cspring.csv") == "The call list is empty: spring.csv"
    assert refused(LIST, "..").startswith("Unsupported file format: list")


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_a_campaign_at_its_end_takes_no_list(full_site: Site, dsn: str, status: str) -> None:
    campaign = make(full_site)
    set_status(dsn, campaign, status)
    assert send(full_site, campaign, LIST).refusal == (409, f"Campaign is {status}: Spring takes no more contacts")


def test_a_list_for_nobody_is_not_found(shared_site: Site) -> None:
    unknown = uuid4()
    assert send(shared_site, unknown, LIST).refusal == (404, f"Campaign {unknown} not found")


def test_a_form_without_a_file_is_refused(shared_site: Site) -> None:
    answer = send_form(shared_site, uuid4(), LIST, field="list")
    assert answer.refusal == (400, "the form has no file in its field `file`")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=limit", b"what is this"),
        ("multipart/form-data; boundary=" + "x" * 100, b"--x"),
    ],
)
def test_a_malformed_form_is_refused(shared_site: Site, kind: str, body: bytes) -> None:
    path = f"/campaigns/{uuid4()}/call-list"
    assert shared_site.ask("POST", path, body, Content_Type=kind, **shared_site.bearer).refusal[0] == 400


def test_a_list_without_a_name_is_refused(shared_site: Site) -> None:
    path = f"/campaigns/{uuid4()}/call-list"
    answer = shared_site.ask("POST", path, LIST, Content_Type="text/csv", **shared_site.bearer)
    assert answer.refusal == (415, "Unsupported media type")


def test_too_large_a_list_is_refused_and_leaves_nothing_behind(
    full_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call_lists, "LARGEST_LIST", len(LIST) - 1)
    campaign = make(full_site)
    assert send(full_site, campaign, LIST).refusal == (413, "Too large")
    assert send_form(full_site, campaign, LIST).refusal == (413, "Too large")
    assert full_site.get(f"/campaigns/{campaign}").data["total_tasks"] == 0


def test_a_list_may_be_larger_than_other_bodies(full_site: Site) -> None:
    rows = b"".join(b"+7945%07d,%s\n" % (n, b"x" * 300) for n in range(5_000))
    assert len(rows) > 1 << 20
    for sending in (send, send_form):
        answer = sending(full_site, make(full_site), b"phone_number,note\n" + rows)
        assert answer.data == {"total": 5_000, "created": 5_000, "errors": []}


def test_a_list_that_does_not_come_is_given_up(shared_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_lists, "RECEIVE_TIMEOUT_S", 0.2)
    connection = http.client.HTTPConnection("127.0.0.1", shared_site.port, timeout=30)
    connection.putrequest("POST", f"/campaigns/{uuid4()}/call-list?filename=a.csv")
    for name, value in {**shared_site.bearer, "Content-Length": "1000"}.items():
        connection.putheader(name, value)
    connection.endheaders(b"phone_number\n")
    response = connection.getresponse()
    assert Answer(response.status, response.read(), response.headers).refusal == (408, "Request timeout")
    connection.close()


@contextmanager
def an_import_that_waits(site: Site, dsn: str, campaign: str) -> Iterator[psycopg.Connection]:
    """The server has received a list and imports it; it waits for another import, which ends with this connection's
    lock. The client waits as long as the block lasts."""
    request = f"POST /campaigns/{campaign}/call-list?filename=a.csv HTTP/1.1\r\nHost: h\r\n"
    request += f"Authorization: {site.bearer['Authorization']}\r\nContent-Length: {len(LIST)}\r\n\r\n"
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute(LOCK, (campaign,))
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as client:
            client.sendall(request.encode() + LIST)
            wait_until(lambda: other.execute(WAITING).fetchone() == (1,), 20, "the import to wait")
            yield other


def test_an_import_goes_on_when_its_client_has_gone(full_site: Site, dsn: str) -> None:
    """Who does not wait for the answer sends the same list again, which adds nobody twice."""
    campaign = make(full_site)
    with an_import_that_waits(full_site, dsn, campaign):
        pass
    wait_until(lambda: full_site.get(f"/campaigns/{campaign}").data["total_tasks"] == 2, 20)


def test_a_server_that_stops_leaves_no_half_of_a_list(full_site: Site, dsn: str) -> None:
    with an_import_that_waits(full_site, dsn, make(full_site)) as other:
        full_site.stop()
        wait_until(lambda: other.execute(WAITING).fetchone() == (0,), 20, "the import to be cancelled")
        assert other.execute("SELECT count(*) FROM call_tasks").fetchone() == (0,)
