"""What all dashboards have in common: variables, annotations, links, and how panels are laid out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardLink,
    DatasourceVariable,
    QueryVariable,
    Row,
)
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    Panel,
    RowPanel,
    VariableModel,
    VariableRefresh,
    VariableSort,
)

from grafana.generator.queries import PROMETHEUS

WIDTH = 24
TAG = "campaignd"


@dataclass(frozen=True)
class Band:
    """Panels side by side under a title; each with its width in columns, all equally high."""

    title: str
    height: int
    panels: Sequence[tuple[int, Panel]]


def data_source() -> VariableModel:
    """Which Prometheus."""
    return DatasourceVariable("datasource").label("Prometheus").type("prometheus").build()


def database() -> VariableModel:
    """Which PostgreSQL."""
    return DatasourceVariable("postgres").label("PostgreSQL").type("grafana-postgresql-datasource").build()


def company() -> VariableModel:
    """Any companies; all of them to begin with."""
    return _labels("company", "Company", "campaignd_tasks").multi(True).include_all(True).all_value(".*").build()


def campaigns() -> VariableModel:
    """Any campaigns of these companies; all of them to begin with."""
    return _campaign().multi(True).include_all(True).all_value(".*").build()


def one_campaign() -> VariableModel:
    """One campaign of these companies."""
    return _campaign().multi(False).include_all(False).build()


def frame(
    uid: str, title: str, description: str, variables: Iterable[VariableModel], bands: Iterable[Band]
) -> models.Dashboard:
    """A dashboard, of which every panel has its place and its number."""
    made = (
        Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([TAG])
        .timezone("browser")
        .time("now-3h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .readonly()
        .annotations(list(_annotations()))
        .links([_others()])
        .build()
    )
    made.templating = models.DashboardDashboardTemplating(list_val=list(variables))
    made.panels = list(_laid_out(bands))
    return made


def _laid_out(bands: Iterable[Band]) -> Iterable[Panel | RowPanel]:
    y = number = 0
    for band in bands:
        number += 1
        yield Row(band.title).id(number).collapsed(False).grid_pos(GridPos(h=1, w=WIDTH, x=0, y=y)).build()
        y += 1
        x = 0
        for width, panel in band.panels:
            number += 1
            panel.id_val = number
            panel.grid_pos = GridPos(h=band.height, w=width, x=x, y=y)
            x += width
            yield panel
        if x != WIDTH:
            raise ValueError(f"{band.title}: {x} columns")
        y += band.height


def _campaign() -> QueryVariable:
    return _labels("campaign", "Campaign", 'campaignd_tasks{company=~"$company"}')


def _labels(name: str, label: str, series: str) -> QueryVariable:
    """Values that a label has had within the time range: what is over by now can be looked at too."""
    query = f"label_values({series}, {name})"
    return (
        QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .query({"query": query, "refId": name})
        .definition(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def _annotations() -> Iterable[AnnotationQuery]:
    """Reloads and starts stand at the time that the metric tells; a breaker's change where a scrape saw it."""

    def mark(name: str, color: str, expr: str, title: str, text: str) -> AnnotationQuery:
        query = AnnotationQuery().name(name).datasource(PROMETHEUS).enable(True).hide(False).icon_color(color)
        return query.expr(expr).step("30s").title_format(title).text_format(text)

    reloaded = "campaignd_config_last_reload_success_timestamp_seconds * 1000"
    yield mark("Reloads", "blue", reloaded, "Configuration read", "{{instance}}").use_value_for_time(True)
    started = 'process_start_time_seconds{job="campaignd"} * 1000'
    yield mark("Restarts", "purple", started, "campaignd started", "{{instance}}").use_value_for_time(True)
    changed = "sum by (service, state) (increase(campaignd_breaker_transitions_total[1m])) > 0"
    yield mark("Breakers", "red", changed, "{{service}} {{state}}", "circuit breaker").tag_keys("service,state")


def _others() -> DashboardLink:
    """To the other dashboards, with the same campaigns and the same time."""
    link = DashboardLink("campaignd").type(DashboardLinkType.DASHBOARDS).tags([TAG]).as_dropdown(False)
    return link.include_vars(True).keep_time(True)
