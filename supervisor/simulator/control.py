"""The simulator's own HTTP: turn its knobs and read its books from another process. No token is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web

from .behaviours import Numbers, script_from_json
from .knobs import Board
from .rings import Book


class Control:
    """`/simulator/knobs` (GET, POST), `/simulator/script` (POST), `/simulator/rings` and `/simulator/state` (GET)."""

    def __init__(self, board: Board, numbers: Numbers, book: Book, state: Callable[[], dict[str, Any]]) -> None:
        self._board = board
        self._numbers = numbers
        self._book = book
        self._state = state

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        app.router.add_get("/simulator/knobs", self._show_knobs)
        app.router.add_post("/simulator/knobs", self._turn_knobs)
        app.router.add_post("/simulator/script", self._take_script)
        app.router.add_get("/simulator/rings", self._show_rings)
        app.router.add_get("/simulator/state", self._show_state)

    async def _show_knobs(self, request: web.Request) -> web.Response:
        return web.json_response(self._board.knobs.as_json())

    async def _turn_knobs(self, request: web.Request) -> web.Response:
        try:
            changes = await request.json()
            if not isinstance(changes, dict):
                raise ValueError("knobs are an object: name → value")
            self._board.turn(changes)
        except ValueError as error:
            return _wrong(error)
        return web.json_response(self._board.knobs.as_json())

    async def _take_script(self, request: web.Request) -> web.Response:
        try:
            self._numbers.set_script(script_from_json(await request.json()))
        except ValueError as error:
            return _wrong(error)
        return web.json_response({})

    async def _show_rings(self, request: web.Request) -> web.Response:
        return web.json_response({"rings": [ring.as_json() for ring in self._book.rings()]})

    async def _show_state(self, request: web.Request) -> web.Response:
        return web.json_response(self._state())


def _wrong(error: ValueError) -> web.Response:
    return web.json_response({"error": str(error)}, status=400)
