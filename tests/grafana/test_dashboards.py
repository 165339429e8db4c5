"""The committed dashboards: made by the generator, whole, laid out, and asking what Prometheus knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations

import promql_parser
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.generator.files import files
from supervisor.metrics.catalogue import CATALOGUE, Kind
from tests.grafana.files import FOLDER, dashboards, expressions, metrics_of, panels, read, rules, selectors, substituted

NAMES = sorted(dashboards())


def test_generating_again_changes_nothing() -> None:
    committed = {file.name: file.read_text(encoding="utf-8") for file in (FOLDER / "dashboards").iterdir()}
    assert files() == committed, "python -m grafana.generator, and commit what it wrote"
    assert NAMES == ["campaign.json", "overview.json", "recordings.json", "reliability.json"]


@pytest.mark.parametrize("name", NAMES)
def test_grafanas_own_models_read_it_and_write_the_same(name: str) -> None:
    register_default_plugins()
    committed = dashboards()[name]
    assert committed["schemaVersion"] == 42
    read = Dashboard.from_json(json.loads(json.dumps(committed)))
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == committed


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_numbers_of_their_own_and_do_not_overlap(name: str) -> None:
    found = dashboards()[name]["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    for panel in found:
        place = panel["gridPos"]
        assert place["x"] >= 0 and place["w"] > 0 and place["x"] + place["w"] <= 24, panel["title"]
    for one, other in combinations(found, 2):
        a, b = one["gridPos"], other["gridPos"]
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        assert beside or above, (one["title"], other["title"])


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_says_what_it_shows_in_which_unit_and_asks_a_chosen_source(name: str) -> None:
    titles = [panel["title"] for panel in panels(name)]
    assert len(set(titles)) == len(titles)
    for panel in panels(name):
        assert panel["description"].endswith((".", "?")), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"]["uid"] in ("${datasource}", "${postgres}"), panel["title"]


@pytest.mark.parametrize("name", NAMES)
def test_variables_annotations_and_links_are_there(name: str) -> None:
    dashboard = dashboards()[name]
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert {"datasource", "company"} <= variables.keys()
    assert ("campaign" in variables) == (name != "recordings.json"), "recordings and jobs are a company's"
    asked = json.dumps(dashboard["panels"])
    for variable in variables:
        assert f"${variable}" in asked or f"${{{variable}" in asked, f"nothing asks for ${variable}"
    marks = {mark["name"]: mark["expr"] for mark in dashboard["annotations"]["list"]}
    assert marks.keys() == {"Reloads", "Restarts", "Breakers"}
    (link,) = dashboard["links"]
    assert link["type"] == "dashboards" and link["includeVars"] and link["keepTime"]
    assert set(link["tags"]) <= set(dashboard["tags"])


def test_links_and_alerts_lead_to_dashboards_that_exist() -> None:
    uids = {dashboard["uid"] for dashboard in dashboards().values()}
    assert len(uids) == len(NAMES)
    linked = {uid for dashboard in dashboards().values() for uid in re.findall(r"/d/([\w-]+)", json.dumps(dashboard))}
    assert linked and linked <= uids
    assert {rule.annotations["dashboard"] for rule in rules() if rule.is_alert} <= uids


def test_the_first_row_of_the_overview_answers_the_three_questions() -> None:
    first = [panel for panel in panels("overview.json") if panel["gridPos"]["y"] == 1]
    texts = " ".join(panel["description"] for panel in first)
    for question in ("Is it calling?", "Is it reaching people?", "What is wrong?"):
        assert question in texts
    assert sum(panel["gridPos"]["w"] for panel in first) == 24


def test_panels_that_runbooks_name_exist() -> None:
    titles = {panel["title"] for name in NAMES for panel in panels(name)}
    named = {
        title
        for rule in rules()
        if rule.is_alert
        for listed in re.findall(
            r"[Pp]anels? (`[^`]+`(?:(?:, | and )`[^`]+`)*)", " ".join(rule.annotations["runbook"].split())
        )
        for title in re.findall(r"`([^`]+)`", listed)
    }
    assert len(named) > 10 and named <= titles


def everything_asked() -> Iterator[tuple[str, str]]:
    """Where it stands, and the expression."""
    for name in NAMES:
        yield from ((f"{name} {title}", substituted(expr)) for title, expr in expressions(name))
    yield from ((rule.name, rule.expr) for rule in rules())


@pytest.mark.parametrize(("place", "expr"), list(everything_asked()), ids=str)
def test_expressions_are_promql(place: str, expr: str) -> None:
    promql_parser.parse(expr)
    assert metrics_of(expr)


KNOWN_LABELS = {
    "up": ("job",),
    "ALERTS": ("alertname", "alertstate"),
    **{rule.name: ("job", "instance", "company", "campaign", "trunk", "outcome", "per", "service")
       for rule in rules() if not rule.is_alert},
    **{f"{definition.name}{end}": (*definition.labels, "le") for definition in CATALOGUE.values()
       for end in (("_bucket", "_count", "_sum") if definition.kind is Kind.HISTOGRAM else ("",))},
}  # fmt: skip


@pytest.mark.parametrize(("place", "expr"), list(everything_asked()), ids=str)
def test_every_metric_is_of_the_catalogue_and_has_the_labels_asked_for(place: str, expr: str) -> None:
    for selector in selectors(expr):
        assert selector.name is not None
        if not selector.name.startswith("process_"):
            asked = {matcher.name for matcher in selector.matchers.matchers}
            assert asked <= {"job", *KNOWN_LABELS[selector.name]}, expr


def test_every_metric_of_the_catalogue_is_shown_or_watched() -> None:
    shown = {name for _, expr in everything_asked() for name in metrics_of(expr)}
    assert not [
        name
        for name, definition in CATALOGUE.items()
        if not shown & ({f"{name}_bucket", f"{name}_count"} if definition.kind is Kind.HISTOGRAM else {name})
    ]


def test_substitution_leaves_no_variable() -> None:
    assert not [expr for _, expr in everything_asked() if "$" in expr]


def test_what_is_provisioned_is_what_dashboards_ask_for() -> None:
    provided = read(FOLDER / "provisioning" / "datasources" / "campaignd.yml")["datasources"]
    asked = {
        variable["query"]
        for dashboard in dashboards().values()
        for variable in dashboard["templating"]["list"]
        if variable["type"] == "datasource"
    }
    assert {source["type"] for source in provided} == asked
    assert len({source["uid"] for source in provided}) == len(provided)
    assert "CREATE ROLE " + provided[1]["user"] in (FOLDER / "reader.sql").read_text(encoding="utf-8")
    (provider,) = read(FOLDER / "provisioning" / "dashboards" / "campaignd.yml")["providers"]
    assert provider["type"] == "file" and provider["folder"] == "campaignd"
