"""What calls through a trunk cost: the rule by which the estimate of a receipt is made. Exact decimals throughout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

SIX_PLACES = Decimal("0.000001")
"""What an amount is rounded to, half up: as `receipts.amount` keeps it."""
_PRECISION = 60  # digits: more than any product of two prices and a call's seconds has


@dataclass(frozen=True)
class PriceList:
    """What a trunk's provider takes for an answered call."""

    currency: str  # ISO 4217
    per_minute: Mapping[str, Decimal]  # by the beginning of the number called, "+" for every other; the longest counts
    connection_fee: Decimal = Decimal(0)  # for each answered call
    increment_s: int = 60  # a call that has begun is charged in whole steps of this

    def price(self, phone_number: str, talk: timedelta) -> Decimal | None:
        """What a call to this number (E.164) costs that lasted `talk` from its answer; None: no prefix has its price.
        A call without any length costs the fee and nothing else."""
        rate = next(
            (
                self.per_minute[phone_number[:length]]
                for length in range(len(phone_number), 0, -1)
                if phone_number[:length] in self.per_minute
            ),
            None,
        )
        if rate is None:
            return None
        steps = max(-(-talk // timedelta(seconds=self.increment_s)), 0)
        with localcontext(prec=_PRECISION):
            amount = self.connection_fee + rate * (steps * self.increment_s) / 60
            return amount.quantize(SIX_PLACES, ROUND_HALF_UP)

    def as_json(self) -> dict[str, Any]:
        """As it is kept in `trunk_prices`: amounts are texts."""
        return {
            "currency": self.currency,
            "per_minute": {prefix: str(rate) for prefix, rate in self.per_minute.items()},
            "connection_fee": str(self.connection_fee),
            "increment_s": self.increment_s,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> PriceList:
        """What `as_json` gave."""
        return cls(
            currency=kept["currency"],
            per_minute={prefix: Decimal(rate) for prefix, rate in kept["per_minute"].items()},
            connection_fee=Decimal(kept["connection_fee"]),
            increment_s=kept["increment_s"],
        )
