"""Write every dashboard anew."""

from __future__ import annotations

from pathlib import Path

from grafana.generator.files import files

_DASHBOARDS = Path(__file__).parents[1] / "dashboards"


def main() -> None:
    """Write them where they are committed."""
    _DASHBOARDS.mkdir(exist_ok=True)
    for name, text in files().items():
        (_DASHBOARDS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
