"""What people see, in terminals of any width and in pipes."""

from __future__ import annotations

import io
from typing import Any

import ledger
import psycopg
import pytest
from rich.cells import cell_len
from rich.console import Console, RenderableType

from supervisor.report.console import ReportConsole
from supervisor.report.report import read_report
from supervisor.report.summary import read_summaries
from supervisor.report.tables import summary_table
from supervisor.report.terminal import report_renderable

Connection = psycopg.Connection[Any]


def shown(renderable: RenderableType, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    assert max(map(cell_len, capture.get().splitlines())) <= width
    return capture.get()


def piped(renderable: RenderableType) -> list[str]:
    file = io.StringIO()
    ReportConsole(file).print(renderable)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140, 250])
def test_status_fits_every_terminal_and_breaks_no_name(connection: Connection, width: int) -> None:
    text = shown(summary_table(read_summaries(connection)), width)
    for word in ("spring", "paused", "autumn", "completed", str(ledger.DRAFT), "draft", "breaker:trunk:main"):
        assert word in text


def test_a_pipe_gets_a_line_for_each_campaign(connection: Connection) -> None:
    titles, _, autumn, spring, draft = piped(summary_table(read_summaries(connection)))
    assert titles.split() == [
        *("Campaign", "Name", "Company", "Status", "Tasks", "Pending", "Calling", "Retry", "Completed", "Failed"),
        *("Calls", "ended", "Message"),
    ]
    assert autumn.split()[:4] == ["autumn", "Autumn", "survey", "acme"]
    assert spring.split()[3:11] == ["acme", "paused", "6", "1", "1", "1", "2", "1"]
    assert spring.endswith("Trunk main is failing: 503 [breaker:trunk:main, operator]")
    assert draft.startswith(str(ledger.DRAFT))


def test_names_and_messages_are_neither_markup_nor_commands_of_the_terminal(connection: Connection) -> None:
    connection.execute(
        "UPDATE campaigns SET name = '[red]x[/]', status_message = E'a\\x1b[2Jb\\nc', status_error = NULL"
    )
    for width in (50, 90, 200):
        assert "\x1b" not in shown(summary_table(read_summaries(connection, company="acme")), width)
    *_, spring = piped(summary_table(read_summaries(connection, company="acme")))
    assert "[red]x[/]" in spring
    assert "a [2Jb c" in spring


def test_a_report_of_one_campaign_says_everything(connection: Connection) -> None:
    text = "\n".join(piped(report_renderable(read_report(connection, campaign_ids=[ledger.SPRING]))))
    for title, value in (
        ("Success rate", "66.7%"),
        ("Attempts per contact reached", "2.50"),
        ("Average duration", "90.0 s"),
        ("95 % of calls within", "117.0 s"),
        ("Average ring time", "15.0 s"),
        ("Average time to agent", "1.0 s"),
        ("Cost", "0.3100 EUR"),
        ("Cost per call", "0.0517 EUR"),
        ("Cost per success", "0.1550 EUR"),
        ("no_answer", "1"),
        ("09:00", "2"),
    ):
        assert any(line.startswith(title) and value in line for line in text.splitlines()), title
    assert "By hour (Europe/Moscow)" in text


@pytest.mark.parametrize("width", [50, 80, 120, 200])
def test_a_report_of_a_company_fits_too(connection: Connection, width: int) -> None:
    text = shown(report_renderable(read_report(connection, company="acme")), width)
    for word in ("Autumn survey", "Spring renewals", "All campaigns", "75.0%", "0.31 EUR + 0.02 USD"):
        assert word in text


def test_a_report_of_many_campaigns(connection: Connection) -> None:
    for number in range(8):
        ledger.insert_campaign(
            connection, ledger.UUID(int=0x20 + number), ledger.ACME, f"c{number}", f"Campaign {number}"
        )
    for width in (60, 250):
        text = shown(report_renderable(read_report(connection, company="acme")), width)
        assert "Campaign 7" in text
        assert "All campaigns" in text


def test_without_campaigns_it_says_so(connection: Connection) -> None:
    assert piped(summary_table([])) == ["No campaigns."]
    assert piped(report_renderable(read_report(connection, campaign_ids=[]))) == ["No campaigns."]
