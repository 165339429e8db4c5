"""What is wrong with the configuration files: a value for each mistake, and the error that carries them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from actors.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in one file."""

    file: Path
    """As a person would name it: relative when the service's file was named so."""
    key: str
    """Dotted path such as `limits.calls_per_minute`; empty when the file as a whole is meant."""
    reason: str
    line: int | None = None
    """Known only for what is not TOML."""
    column: int | None = None

    def __str__(self) -> str:
        """One line, whatever stands in the file: `file: key: reason`."""
        place = f"line {self.line}, column {self.column}" if self.line is not None else self.key
        text = ": ".join(part for part in (str(self.file), place, self.reason) if part)
        return "".join(char if char.isprintable() else " " for char in text)


class ConfigurationFilesError(ConfigurationError):
    """Every mistake of every file at once: `problems`, of which the text has a line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
