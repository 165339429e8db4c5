"""What a benchmark yields: named figures, each with its unit, its target if it has one, and whether it is a ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Figure:
    """One measured number."""

    bench: str  # the benchmark's name, such as "ledger"
    name: str  # what was measured, in words
    value: float
    unit: str  # "×" for a ratio of two things measured in the same run, else "ms", "s", "MiB", "/s", "%"
    better: Literal["higher", "lower"]
    target: float | None = None  # to be reached or bettered; None: shown for what it tells

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target

    @property
    def is_ratio(self) -> bool:
        """Whether it may be compared with another run's: absolute figures say more of the machine than of us."""
        return self.unit == "×"


def growth(bench: str, what: str, of: str, small: tuple[int, float], large: tuple[int, float]) -> Figure:
    """How what one of many costs grows with how many they are: 1 × is proportional, less is better. `small` and `large`
    are how many there were, and what they cost together."""
    (few, little), (many, much) = small, large
    name = f"{what} of each {of}, {many:,} against {few:,}"
    return Figure(bench, name, much / many / (little / few), "×", "lower")
