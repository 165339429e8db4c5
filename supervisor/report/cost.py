"""What calls cost, from their receipts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_SIX_PLACES = Decimal("0.000001")  # as receipts.amount


@dataclass(frozen=True)
class Cost:
    """What some calls cost. Amounts of two currencies are never added up: `amount` and what follows from it are None
    unless the receipts are all in one, and `amounts` has them all."""

    amounts: Mapping[str, Decimal]  # by currency; empty without receipts
    calls: int  # that have ended, with or without a receipt
    successes: int  # completed tasks

    @property
    def currency(self) -> str | None:
        return next(iter(self.amounts)) if len(self.amounts) == 1 else None

    @property
    def amount(self) -> Decimal | None:
        return next(iter(self.amounts.values())) if len(self.amounts) == 1 else None

    @property
    def per_call(self) -> Decimal | None:
        return _share(self.amount, self.calls)

    @property
    def per_success(self) -> Decimal | None:
        return _share(self.amount, self.successes)

    def as_json(self) -> dict[str, Any]:
        """operations.md's shape; receipts in several currencies add a key `by_currency`."""
        written: dict[str, Any] = {
            "amount": _number(self.amount),
            "currency": self.currency,
            "per_call": _number(self.per_call),
            "per_success": _number(self.per_success),
        }
        if len(self.amounts) > 1:
            written["by_currency"] = {currency: _number(amount) for currency, amount in self.amounts.items()}
        return written


def read_amounts(by_currency: Mapping[str, str]) -> dict[str, Decimal]:
    """Amounts as PostgreSQL wrote them into JSON: text, so that no cent is lost in a float."""
    return {currency: Decimal(by_currency[currency]) for currency in sorted(by_currency)}


def _share(amount: Decimal | None, among: int) -> Decimal | None:
    return None if amount is None or among == 0 else (amount / among).quantize(_SIX_PLACES)


def _number(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)
