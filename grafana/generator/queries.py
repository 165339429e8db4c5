"""What panels ask: Prometheus by an expression, PostgreSQL by a file of SQL."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog import builder, variants
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="${datasource}")
POSTGRESQL = DataSourceRef(type_val="grafana-postgresql-datasource", uid="${postgres}")
CAMPAIGNS = 'company=~"$company",campaign=~"$campaign"'
"""Selects series of the chosen campaigns."""
COMPANIES = 'company=~"$company"'

_SQL = Path(__file__).parent / "sql"


@dataclass(frozen=True)
class Ask:
    """One expression. `legend` names its series by their labels, as `{{trunk}}`."""

    expr: str
    legend: str = ""

    def over_time(self, ref_id: str) -> prometheus.Dataquery:
        """For a graph: a value for each step of its time range."""
        return self._query(ref_id).range()

    def now(self, ref_id: str) -> prometheus.Dataquery:
        """For a figure: the value at the end of the time range."""
        return self._query(ref_id).instant()

    def as_table(self, ref_id: str) -> prometheus.Dataquery:
        """For a table: one row for each series, as it is at the end of the time range."""
        return self.now(ref_id).format(PromQueryFormat.TABLE)

    def _query(self, ref_id: str) -> prometheus.Dataquery:
        query = prometheus.Dataquery().datasource(PROMETHEUS).ref_id(ref_id).expr(self.expr)
        return query.legend_format(self.legend) if self.legend else query


def quantile(share: float, histogram: str, selector: str, by: str = "") -> str:
    """Below which so great a `share` of what the histogram was told of late lies; apart for each of the labels `by`."""
    labels = f"{by}, le" if by else "le"
    rate = f"rate({histogram}_bucket{selector}[$__rate_interval])"
    return f"histogram_quantile({share}, sum by ({labels}) ({rate}))"


@dataclass
class _Rows(variants.Dataquery):
    """A query of Grafana's PostgreSQL data source, which the SDK does not know."""

    sql: str

    def to_json(self) -> dict[str, object]:
        return {
            "datasource": POSTGRESQL,
            "editorMode": "code",
            "format": "table",
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": "A",
        }


class Sql(builder.Builder[variants.Dataquery]):
    """The query in `sql/NAME.sql`, which may use Grafana's macros and variables."""

    def __init__(self, name: str) -> None:
        self._query = _Rows((_SQL / f"{name}.sql").read_text(encoding="utf-8").strip())

    def build(self) -> variants.Dataquery:
        """The query."""
        return self._query
