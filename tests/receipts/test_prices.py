"""What a call is reckoned to cost: exact decimals, whatever its length."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from actors.prices import SIX_PLACES, PriceList
from supervisor.config.service import PriceSettings

RUSSIA = PriceList("EUR", {"+7": Decimal("0.03"), "+7495": Decimal("0.0125"), "+": Decimal("0.5")}, Decimal("0.01"), 60)
AMOUNTS = st.decimals(min_value=0, max_value=99_999_999, places=6)


@pytest.mark.parametrize(
    ("number", "seconds", "amount"),
    [
        ("+79451234567", 1, "0.04"),  # a minute that has begun is charged
        ("+79451234567", 60, "0.04"),
        ("+79451234567", 60.001, "0.07"),
        ("+74951234567", 59, "0.0225"),  # the longest prefix counts
        ("+493023125000", 61, "1.01"),  # any other number
        ("+79451234567", 0, "0.01"),  # the fee alone
    ],
)
def test_a_call_costs_its_fee_and_its_minutes_by_the_longest_prefix(number: str, seconds: float, amount: str) -> None:
    assert RUSSIA.price(number, timedelta(seconds=seconds)) == Decimal(amount)


def test_the_last_step_is_charged_whole() -> None:
    prices = PriceList("EUR", {"+": Decimal("0.06")}, increment_s=6)
    assert [prices.price("+79451234567", timedelta(seconds=s)) for s in (1, 6, 7, 60)] == [
        Decimal("0.006"), Decimal("0.006"), Decimal("0.012"), Decimal("0.06")
    ]  # fmt: skip


def test_a_number_without_a_price_has_no_estimate() -> None:
    assert PriceList("EUR", {"+7": Decimal(1)}).price("+493023125000", timedelta(minutes=1)) is None


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("currency", "euro", "is not a currency's code of three letters"),
        ("per_minute", {}, "at least 1 item"),
        ("per_minute", {"7495": "0.01"}, "is not the beginning of an E.164 number"),
        ("per_minute", {"+7": "0.0000001"}, "is not an amount"),
        ("per_minute", {"+7": 0.01}, "string"),  # a float is not what was written
        ("connection_fee", "-1", "is not an amount"),
        ("connection_fee", "1e3", "is not an amount"),
        ("increment_s", 0, "greater than or equal to 1"),
    ],
)
def test_prices_that_make_no_sense_are_refused_when_the_file_is_read(key: str, value: object, said: str) -> None:
    good = {"currency": "EUR", "per_minute": {"+": "0.01"}, "connection_fee": "0.01", "increment_s": 60}
    assert PriceSettings.model_validate(good).price_list().per_minute == {"+": Decimal("0.01")}
    with pytest.raises(ValidationError, match=said):
        PriceSettings.model_validate(good | {key: value})


@given(rate=AMOUNTS, fee=AMOUNTS, increment=st.integers(1, 3600), seconds=st.integers(0, 86_400))
def test_nothing_is_lost_but_what_lies_behind_the_sixth_decimal(
    rate: Decimal, fee: Decimal, increment: int, seconds: int
) -> None:
    amount = PriceList("EUR", {"+": rate}, fee, increment).price("+79451234567", timedelta(seconds=seconds))
    steps = -(-seconds // increment)
    exact = Fraction(fee) + Fraction(rate) * steps * increment / 60
    assert amount is not None and amount == amount.quantize(SIX_PLACES, ROUND_HALF_UP)
    assert abs(Fraction(amount) - exact) <= Fraction(1, 2_000_000)


@given(rate=AMOUNTS, fee=AMOUNTS, increment=st.integers(1, 3600))
def test_a_price_list_is_read_back_as_it_was_kept(rate: Decimal, fee: Decimal, increment: int) -> None:
    prices = PriceList("EUR", {"+7": rate}, fee, increment)
    kept = prices.as_json()
    assert PriceList.from_json(kept) == prices
    assert isinstance(kept["connection_fee"], str), "a float would lose digits"
