"""The kinds of panels that dashboards are made of. Each has a title, a description and a unit: none can be left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase

from grafana_foundation_sdk.builders import common, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardLink, ThresholdsConfig
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    BigValueTextMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    Panel,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from grafana.generator.queries import POSTGRESQL, PROMETHEUS, Ask, Sql

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#808080"
PER_MINUTE = "suffix: /min"

Steps = Sequence[tuple[float | None, str]]
"""From which value on there is which colour; the first from None on."""
PLAIN: Steps = ((None, GREY),)
ANY_IS_WRONG: Steps = ((None, GREEN), (1, RED))


def named(names: Mapping[str, tuple[str, str]]) -> list[ValueMapping]:
    """Values shown as a name in a colour."""
    results = {
        value: ValueMappingResult(text=text, color=color, index=place)
        for place, (value, (text, color)) in enumerate(names.items())
    }
    return [ValueMap(options=results)]


def number(
    title: str,
    description: str,
    unit: str,
    ask: Ask,
    steps: Steps = PLAIN,
    *,
    names: Mapping[str, tuple[str, str]] | None = None,
    no_value: str = "–",
    say_name: bool = False,
    graph: bool = False,
    decimals: int | None = None,
) -> Panel:
    """One figure, as it is now, on a ground of its colour. `say_name`: the series' legend instead of its value."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .no_value(no_value)
        .color_mode(BigValueColorMode.VALUE if steps is PLAIN and not names else BigValueColorMode.BACKGROUND)
        .graph_mode(BigValueGraphMode.AREA if graph else BigValueGraphMode.NONE)
        .text_mode(BigValueTextMode.NAME if say_name else BigValueTextMode.VALUE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(steps))
        .mappings(named(names or {}))
        .with_target(ask.over_time("A") if graph else ask.now("A"))
    )
    if decimals is not None:
        panel = panel.decimals(decimals)
    return panel.build()


def lines(
    title: str,
    description: str,
    unit: str,
    *asks: Ask,
    stacked: bool = False,
    colors: Mapping[str, str] | None = None,
    dashed: Sequence[str] = (),
    most: float | None = None,
) -> Panel:
    """What changes over time. `colors`: series' names → colour; `dashed`: names that are limits rather than what is."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit(unit)
        .min(0)
        .fill_opacity(70 if stacked else 8)
        .line_width(0 if stacked else 1)
        .show_points(VisibilityMode.NEVER)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL if stacked else StackingMode.NONE).group("A"))
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
    )
    if most is not None:
        panel = panel.max(most)
    for ref_id, ask in zip(ascii_uppercase, asks, strict=False):
        panel = panel.with_target(ask.over_time(ref_id))
    for name, color in (colors or {}).items():
        fixed = DynamicConfigValue("color", {"mode": "fixed", "fixedColor": color})
        panel = panel.override_by_name(name, [fixed])
    for name in dashed:
        looks = [
            DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
            DynamicConfigValue("custom.fillOpacity", 0),
        ]
        panel = panel.override_by_regexp(name, looks)
    return panel.build()


def states(title: str, description: str, ask: Ask, names: Mapping[str, tuple[str, str]]) -> Panel:
    """A bar for each series, coloured by the state that it was in."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(PROMETHEUS)
        .unit("none")
        .mappings(named(names))
        .thresholds(_thresholds(PLAIN))
        .show_value(VisibilityMode.NEVER)
        .merge_values(True)
        .row_height(0.8)
        .legend(
            common.VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .with_target(ask.over_time("A"))
        .build()
    )


class Column:
    """A column of a table: a label, or the value of a query (`A`, `B`, … in the order in which they are asked)."""

    def __init__(
        self,
        source: str,
        title: str,
        unit: str = "string",
        *,
        steps: Steps | None = None,
        names: Mapping[str, tuple[str, str]] | None = None,
        link: tuple[str, str] | None = None,
    ) -> None:
        """`link`: its title and URL."""
        self.source = f"Value #{source}" if source in ascii_uppercase else source
        self.title = title
        self.looks = [DynamicConfigValue("unit", unit)]
        if steps is not None:
            self.looks += [
                DynamicConfigValue("thresholds", _thresholds(steps).build()),
                DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
            ]
        if names is not None:
            self.looks += [
                DynamicConfigValue("mappings", named(names)),
                DynamicConfigValue("custom.cellOptions", {"type": "color-text"}),
            ]
        if link is not None:
            self.looks.append(DynamicConfigValue("links", [DashboardLink(link[0]).url(link[1]).build()]))


def rows(
    title: str,
    description: str,
    asks: Sequence[Ask],
    columns: Sequence[Column],
    *,
    sort_by: str,
    descending: bool = False,
    no_value: str = "–",
) -> Panel:
    """A table with one row for each set of labels, in which every expression is a column. Labels that no column names
    are left out."""
    panel = (
        _table(title, description, no_value)
        .datasource(PROMETHEUS)
        .sort_by([common.TableSortByFieldState().display_name(sort_by).desc(descending)])
        .with_transformation(DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(
            DataTransformerConfig(
                id_val="filterFieldsByName", options={"include": {"names": [column.source for column in columns]}}
            )
        )
        .with_transformation(
            DataTransformerConfig(
                id_val="organize",
                options={
                    "indexByName": {column.source: place for place, column in enumerate(columns)},
                    "renameByName": {column.source: column.title for column in columns},
                    "excludeByName": {},
                },
            )
        )
    )
    for ref_id, ask in zip(ascii_uppercase, asks, strict=False):
        panel = panel.with_target(ask.as_table(ref_id))
    for column in columns:
        panel = panel.override_by_name(column.title, column.looks)
    return panel.build()


def ledger(title: str, description: str, sql: str, units: Mapping[str, str]) -> Panel:
    """A table of what PostgreSQL answers to `sql/NAME.sql`, in its order. `units`: of columns that have one."""
    panel = _table(title, description, "–").datasource(POSTGRESQL).with_target(Sql(sql))
    for column, unit in units.items():
        panel = panel.override_by_name(column, [DynamicConfigValue("unit", unit)])
    return panel.build()


def _table(title: str, description: str, no_value: str) -> table.Panel:
    return table.Panel().title(title).description(description).unit("short").no_value(no_value).filterable(True)


def _thresholds(steps: Steps) -> ThresholdsConfig:
    made = [Threshold(value=value, color=color) for value, color in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)
