"""The report as an Excel workbook: Summary, Outcomes, By hour, Contacts. Written row by row, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, islice
from pathlib import Path

from openpyxl import Workbook
from openpyxl.chart import BarChart, Reference
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from supervisor.report.cells import WIDTHS, ColumnCells, bold_cell, header_cells, text_cell
from supervisor.report.measures import Measure, measures
from supervisor.report.report import Figures, Report
from supervisor.report.rows import TIMEZONE, Column, FlatContacts, Kind, counted
from supervisor.report.zones import zone

_MOST_ROWS = 1_048_575  # of a sheet, below its header


def write_workbook(report: Report, contacts: FlatContacts, path: Path, advance: Callable[[int], None]) -> None:
    """Write it to `path`; `advance` is told of every contact written. Times are shown in their campaign's zone."""
    workbook = Workbook(write_only=True)
    shown = report.figures()
    if len(shown) != 1:
        shown = [report.total(), *shown]
    _summary(workbook, report, shown)
    _outcomes(workbook, shown)
    _by_hour(workbook, shown)
    _contacts(workbook, contacts, advance)
    workbook.save(path)


def _summary(workbook: Workbook, report: Report, shown: Sequence[Figures]) -> None:
    """One campaign reads downwards; several are compared in a table with a row for each."""
    listed = [(figures, [*_state(report, figures), *measures(figures)]) for figures in shown]
    if len(listed) == 1:
        sheet = _sheet(workbook, "Summary", [("", 30), (shown[0].title, 40)])
        for measure in listed[0][1]:
            sheet.append([bold_cell(sheet, _title(measure)), ColumnCells(sheet, measure.kind).of(measure.value)])
        return
    columns = [("Campaign", 32), *((_title(measure), 14) for measure in listed[0][1])]
    sheet = _sheet(workbook, "Summary", columns, freeze="B2")
    for figures, row in listed:
        cells = [ColumnCells(sheet, measure.kind).of(measure.value) for measure in row]
        sheet.append([bold_cell(sheet, figures.title), *cells])


def _state(report: Report, figures: Figures) -> list[Measure]:
    summary = next((campaign.summary for campaign in report.campaigns if campaign.summary.id == figures.id), None)
    said = {
        "Id": summary and summary.label,
        "Company": summary and summary.company,
        "Status": summary and summary.status,
        "Message": summary and summary.status_message,
        "Error": summary and summary.status_error,
        "Holds": summary and ", ".join(summary.holds),
        "Currency": figures.cost.currency,
    }
    return [Measure(title, Kind.TEXT, value or None) for title, value in said.items()]


def _outcomes(workbook: Workbook, shown: Sequence[Figures]) -> None:
    columns = [("Campaign", 32), ("Outcome", 18), ("Calls", 12), ("Share of calls", 14)]
    sheet = _sheet(workbook, "Outcomes", columns)
    calls, share = ColumnCells(sheet, Kind.INTEGER), ColumnCells(sheet, Kind.SHARE)
    for figures in shown:
        for outcome, count in figures.calls_by_outcome.items():
            names = [text_cell(sheet, figures.title), text_cell(sheet, outcome)]
            sheet.append([*names, calls.of(count), share.of(count / figures.calls_ended)])
    _chart(sheet, "How calls ended", rows=len(shown[0].calls_by_outcome), names=2, values=(3, 3), anchor="F2")


def _by_hour(workbook: Workbook, shown: Sequence[Figures]) -> None:
    columns = [
        *(("Campaign", 32), ("Time zone", 20), ("Hour", 8), ("Calls", 12), ("Answered", 12), ("Share answered", 12)),
        *(("Average duration, s", 14), ("Cost", 12), ("Currency", 10)),
    ]
    sheet = _sheet(workbook, "By hour", columns)
    kinds = (Kind.INTEGER, Kind.INTEGER, Kind.SHARE, Kind.SECONDS, Kind.MONEY, Kind.TEXT)
    cells = [ColumnCells(sheet, kind) for kind in kinds]
    for figures in shown:
        for hour in figures.analytics.by_hour:
            values = (
                *(hour.calls, hour.answered, hour.answered / hour.calls, hour.average_duration_s),
                *(hour.cost.amount, hour.cost.currency),
            )
            names = (figures.title, figures.timezone or "each its own", f"{hour.hour:02}:00")
            sheet.append(
                [
                    *(text_cell(sheet, name) for name in names),
                    *(column.of(value) for column, value in zip(cells, values, strict=True)),
                ]
            )
    _chart(sheet, "Calls by hour", rows=len(shown[0].analytics.by_hour), names=3, values=(4, 5), anchor="K2")


def _contacts(workbook: Workbook, contacts: FlatContacts, advance: Callable[[int], None]) -> None:
    from_list = [Column(name) for name in contacts.list_columns]
    columns = [(column.title, WIDTHS.get(column.kind, 12)) for column in contacts.columns]
    columns += [(column.name, 20) for column in from_list]
    rows = counted(contacts, advance)
    first = next(rows, None)
    number = 0
    while number == 0 or first is not None:
        number += 1
        sheet = _sheet(workbook, "Contacts" if number == 1 else f"Contacts {number}", columns)
        cells = [ColumnCells(sheet, column.kind) for column in (*contacts.columns, *from_list)]
        for row in chain([] if first is None else [first], islice(rows, _MOST_ROWS - 1)):
            local = zone(row[TIMEZONE])
            sheet.append([cell.of(value, local) for cell, value in zip(cells, row, strict=True)])
        first = next(rows, None)


def _sheet(workbook: Workbook, title: str, columns: Sequence[tuple[str, int]], freeze: str = "A2") -> Worksheet:
    sheet: Worksheet = workbook.create_sheet(title)  # a write-only one, which has of its methods what is used here
    sheet.freeze_panes = freeze
    for number, (_, width) in enumerate(columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.append(header_cells(sheet, [name for name, _ in columns]))
    return sheet


def _chart(sheet: Worksheet, title: str, *, rows: int, names: int, values: tuple[int, int], anchor: str) -> None:
    """Columns for the first `rows` rows: of one campaign, or of all together."""
    if rows == 0:
        return
    chart = BarChart()
    chart.title = title
    chart.height, chart.width = 9, 18
    chart.x_axis.delete = chart.y_axis.delete = False
    first, last = values
    chart.add_data(Reference(sheet, min_col=first, max_col=last, min_row=1, max_row=rows + 1), titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=names, min_row=2, max_row=rows + 1))
    if first == last:
        chart.legend = None
    sheet.add_chart(chart, anchor)


def _title(measure: Measure) -> str:
    return f"{measure.title}, {measure.unit}" if measure.unit == "s" else measure.title
