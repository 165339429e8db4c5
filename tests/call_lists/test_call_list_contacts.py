"""Rows become contacts, or each its own reason."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.errors import CallListValidationError
from actors.jobs.call_lists.columns import Columns
from actors.jobs.call_lists.contacts import Contact, Contacts, Rejected
from actors.jobs.call_lists.rows import Row

HEADER = ["phone_number", "name", "priority", "company", "notes"]
A, B, C = "+79991000001", "+79991000002", "+79991000003"


def judged(
    *rows: list[str],
    header: list[str] = HEADER,
    region: str | None = "RU",
    in_campaign: tuple[str, ...] = (),
    do_not_call: tuple[str, ...] = (),
) -> list[Contact | Rejected]:
    contacts = Contacts(Columns.of(header), region)
    contacts.already_in_campaign(in_campaign)
    contacts.do_not_call(do_not_call)
    return list(contacts.admit(contacts.read(Row(number, cells) for number, cells in enumerate(rows, start=2))))


def contact(*cells: str, header: list[str] = HEADER) -> Contact:
    (found,) = judged(list(cells), header=header)
    assert isinstance(found, Contact), found
    return found


def reason(*cells: str, header: list[str] = HEADER) -> str:
    (found,) = judged(list(cells), header=header)
    assert isinstance(found, Rejected), found
    return str(found)


def data(found: Contact) -> object:
    return json.loads(found.data)


def test_a_row_becomes_a_contact_with_all_it_says() -> None:
    found = contact("8 999 100-00-01", " Анна ", "5", "Acme", 'said "hi"\n\\o/')
    assert found[:4] == (2, A, "Анна".encode(), 5)
    assert data(found) == {"company": "Acme", "notes": 'said "hi"\n\\o/'}


def test_empty_cells_leave_nothing() -> None:
    found = contact(A, "", "", "", "  ")
    assert found == Contact(2, A, None, 0, b"{}", found.cells)


def test_columns_stand_in_any_order_and_case() -> None:
    found = contact("Acme", "1", A, "Ann", header=["Company ", "PRIORITY", " Phone Number", "Contact_Name"])
    assert found[:4] == (2, A, b"Ann", 1)
    assert data(found) == {"Company": "Acme"}


def test_a_contact_name_comes_before_a_name_which_is_kept() -> None:
    found = contact("short", A, "Ann Long", header=["name", "phone_number", "contact_name"])
    assert found.name == b"Ann Long" and data(found) == {"name": "short"}


def test_columns_without_a_name_or_with_the_same_are_told_apart() -> None:
    header = ["phone_number", "", "Notes", "Notes", "notes", ""]
    found = contact(A, "1", "2", "3", "4", "5", header=header)
    assert data(found) == {"column_2": "1", "Notes": "2", "Notes_2": "3", "notes": "4", "column_6": "5"}


def test_a_header_without_numbers_is_refused() -> None:
    with pytest.raises(CallListValidationError, match=r"^Missing required columns: phone_number$"):
        Columns.of(["name", "phone"])


@pytest.mark.parametrize(
    "header", [["phone_number", "Phone Number"], ["phone_number", "a\0"], ["phone_number", "\udcff"],
               ["phone_number", "x" * 256], ["phone_number", "priority", "Priority"]]
)  # fmt: skip
def test_a_header_that_is_not_clear_is_refused(header: list[str]) -> None:
    with pytest.raises(CallListValidationError):
        Columns.of(header)


def test_formulas_stay_text() -> None:
    found = contact(A, "=cmd|' /C calc'!A0", "", "=1+1", "@SUM(A1)")
    assert found.name == b"=cmd|' /C calc'!A0"
    assert data(found) == {"company": "=1+1", "notes": "@SUM(A1)"}


@pytest.mark.parametrize("written", ["7", " 7 ", "+7", "7.0", "7,00", "0007"])
def test_a_priority_is_a_whole_number_however_written(written: str) -> None:
    assert contact(A, "", written, "", "").priority == 7


@pytest.mark.parametrize("written", ["high", "1.5", "1e3", "--1", "1_000"])
def test_a_priority_that_is_none_is_a_bad_row(written: str) -> None:
    assert reason(A, "", written, "", "") == f"Row 2: The priority is not a whole number: {written}"


def test_the_extremes_of_priority() -> None:
    assert contact(A, "", "-2147483648", "", "").priority == -(2**31)
    assert reason(A, "", "2147483648", "", "") == "Row 2: The priority is out of range: 2147483648"


def test_cells_that_are_missing_are_empty_and_cells_too_many_are_a_bad_row() -> None:
    for cells in ([A], [A, "", "", "", "", "", " "]):
        assert contact(*cells) == Contact(2, A, None, 0, b"{}", cells)
    assert reason(A, "Smith", " Ann", "", "", "x") == "Row 2: 6 cells, but the header has 5"


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ([A, "x" * 256], "The name is longer than 255 characters"),
        ([A, "", "", "x" * 1_000_000], "A cell is longer than 32,767 characters"),
        (["9" * 1_000_000], "Impossible number: 99999***9999 (too long)"),
        ([A, "a\0b"], "A cell has a NUL character"),
        ([A, "", "", "a\0b"], "A cell has a NUL character"),
        ([A, "\udcff"], "A cell has characters that can't be read"),
        ([A, "", "", "\ud800"], "A cell has characters that can't be read"),
        (["\udcff" + A], "Not a phone number: +7999***0001"),
    ],
)
def test_what_cant_be_stored_is_a_bad_row(cells: list[str], why: str) -> None:
    found = reason(*cells)
    assert found == f"Row 2: {why}" or (cells[0] != A and found.startswith("Row 2: Not a phone number"))


def test_an_escape_that_only_looks_like_nul_is_text() -> None:
    assert data(contact(A, "", "", "\\u0000")) == {"company": "\\u0000"}


def test_each_known_number_has_its_own_reason() -> None:
    found = judged([A], ["79991000001"], [B], [C], [C], in_campaign=(B,), do_not_call=(C,))
    assert found[0] == Contact(2, A, None, 0, b"{}", [A])
    assert [str(rejected) for rejected in found[1:]] == [
        "Row 3: Duplicate of row 2",
        "Row 4: Already in this campaign",
        "Row 5: On the do-not-call list",
        "Row 6: On the do-not-call list",
    ]


def test_a_bad_row_is_not_the_first_of_a_duplicate() -> None:
    found = judged([A, "", "high"], [A])
    assert isinstance(found[0], Rejected) and isinstance(found[1], Contact)


def test_a_row_with_a_problem_says_it() -> None:
    contacts = Contacts(Columns.of(HEADER), None)
    assert list(contacts.read([Row(9, [A], "A quote")])) == [Rejected(9, "A quote", [A])]


PHONE = st.one_of(
    st.integers(0, 30).map(lambda n: f"+799910000{n:02}"),
    st.integers(0, 30).map(lambda n: f"8 999 100-00-{n:02}"),
    st.integers(0, 30).map(lambda n: f"799910000{n:02}.0"),
    st.text(max_size=12),
)


@given(rows=st.lists(st.lists(st.one_of(PHONE, st.text(max_size=8)), max_size=6), max_size=40))
@settings(deadline=None)
def test_any_mixture_of_rows_gives_each_row_one_answer(rows: list[list[str]]) -> None:
    found = judged(*rows, in_campaign=("+79991000007",), do_not_call=("+79991000008",))
    assert [answer.row for answer in found] == list(range(2, len(rows) + 2))
    created = [answer for answer in found if isinstance(answer, Contact)]
    numbers = [answer.phone_number for answer in created]
    assert len(set(numbers)) == len(numbers)
    assert not {"+79991000007", "+79991000008"} & set(numbers)
    for answer in created:
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", answer.phone_number)
        assert isinstance(data(answer), dict)
