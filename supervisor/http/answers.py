"""How an answer is sent."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from supervisor.http.shapes import Answer, Listed, Shape


def answer(data: Shape | dict[str, Any], status: int = 200) -> web.Response:
    """`{"data": …}`."""
    return _sent(Answer[Any](data=data), status)


def listed(part: Listed[Any]) -> web.Response:
    """`{"data": […], "page": {…}}`."""
    return _sent(part, 200)


def _sent(shape: Shape, status: int) -> web.Response:
    # Settings are shown as they stand in the database, not as the models they are described by: hence no warnings.
    text = shape.model_dump_json(warnings=False)
    return web.Response(text=text, status=status, content_type="application/json")
