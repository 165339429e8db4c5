"""What stands in `grafana/`, read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import yaml

FOLDER = Path(__file__).parents[2] / "grafana"


@dataclass(frozen=True)
class Rule:
    """One alert or recording rule."""

    name: str
    expr: str
    is_alert: bool
    labels: dict[str, str]
    annotations: dict[str, str]


def rules() -> list[Rule]:
    """Every rule of grafana/rules."""
    return [
        Rule(
            rule.get("alert") or rule["record"],
            rule["expr"],
            "alert" in rule,
            rule.get("labels", {}),
            rule.get("annotations", {}),
        )
        for file in sorted((FOLDER / "rules").glob("*.yml"))
        for group in read(file)["groups"]
        for rule in group["rules"]
    ]


def read(file: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@cache
def dashboards() -> dict[str, Any]:
    """Every committed dashboard, by the name of its file."""
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in (FOLDER / "dashboards").glob("*.json")}


def panels(name: str) -> list[dict[str, Any]]:
    """The dashboard's panels, without the titles of its rows."""
    return [panel for panel in dashboards()[name]["panels"] if panel["type"] != "row"]


def expressions(name: str) -> Iterator[tuple[str, str]]:
    """What it asks of Prometheus, each with the title of its panel or annotation."""
    for panel in panels(name):
        yield from ((panel["title"], target["expr"]) for target in panel["targets"] if "expr" in target)
    for mark in dashboards()[name]["annotations"]["list"]:
        yield mark["name"], mark["expr"]


def statements(name: str) -> Iterator[tuple[str, str]]:
    """What it asks of PostgreSQL, each with the title of its panel."""
    for panel in panels(name):
        yield from ((panel["title"], target["rawSql"]) for target in panel["targets"] if "rawSql" in target)


def substituted(expr: str, campaign: str = ".*") -> str:
    """As Grafana would send it, for all companies, a minute's rates and half an hour's range."""
    values = {"$__rate_interval": "1m", "$__range": "30m", "$company": ".*", "$campaign": campaign}
    for variable, value in values.items():
        expr = expr.replace(variable, value)
    return expr


def metrics_of(expr: str) -> set[str]:
    """Names of all series that it asks for."""
    return {selector.name for selector in selectors(expr) if selector.name}


def selectors(expr: str) -> list[promql_parser.VectorSelector]:
    """All that it selects."""
    found: list[promql_parser.VectorSelector] = []

    def note(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expr), note)
    return found
