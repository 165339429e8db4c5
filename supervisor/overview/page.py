"""The overview as a page: HTML that needs nothing else, and runs nothing."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from supervisor.overview import charts, words
from supervisor.overview.overview import Overview
from supervisor.report.layout import NOTHING

REFRESH_S = 10
"""How often a browser asks for the page again."""

_STYLE = files(__package__).joinpath("page.css").read_text(encoding="utf-8")
_STYLE_HASH = b64encode(sha256(_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    f"style-src 'sha256-{_STYLE_HASH}'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Sent with it: should a name ever get through as markup, a browser runs nothing, loads nothing, and sends nothing."""

_TEMPLATES = Environment(
    loader=PackageLoader("supervisor.overview", "."),
    autoescape=True,
    auto_reload=False,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(overview: Overview) -> str:
    """The page."""
    return _rendered(
        overview=overview,
        hours=charts.outcomes_by_hour(overview.hours),
        minutes=charts.in_progress_by_minute(overview.minutes),
    )


def render_unavailable(reason: str) -> str:
    """The page while PostgreSQL can't be asked; it asks again by itself."""
    return _rendered(overview=None, reason=reason)


def _rendered(**values: object) -> str:
    template = _TEMPLATES.get_template("page.html")
    return template.render(
        charts=charts, words=words, nothing=NOTHING, refresh_s=REFRESH_S, style=Markup(_STYLE), **values
    )
