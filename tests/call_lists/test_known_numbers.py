"""A number that is met again says which row gave it first, however long the list is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actors.jobs.call_lists.known_numbers import Elsewhere, KnownNumbers

ROWS = st.lists(st.tuples(st.integers(1, 100), st.integers(1, 90)), max_size=200)


@given(
    rows=ROWS, in_campaign=st.sets(st.integers(1, 90), max_size=10), forbidden=st.sets(st.integers(1, 90), max_size=10)
)
def test_law_the_first_row_of_a_number_is_told_and_where_else_it_is_known_from(
    rows: list[tuple[int, int]], in_campaign: set[int], forbidden: set[int]
) -> None:
    known = KnownNumbers()
    for number in in_campaign:
        known.add_elsewhere(number, Elsewhere.IN_CAMPAIGN)
    for number in forbidden:
        known.add_elsewhere(number, Elsewhere.DO_NOT_CALL)
    first: dict[int, int] = dict.fromkeys(forbidden, Elsewhere.DO_NOT_CALL) | dict.fromkeys(
        in_campaign, Elsewhere.IN_CAMPAIGN
    )
    row = 1
    for gap, number in rows:
        row += gap
        assert known.add(number, row) == first.setdefault(number, row)
