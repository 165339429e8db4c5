"""A call list over HTTP: received into a temporary file, then imported as `campaignd import` does."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError
from psycopg import Connection

from actors.errors import CallListValidationError
from actors.jobs.call_lists.importing import import_call_list
from supervisor.http.answers import answer
from supervisor.http.database import Database
from supervisor.http.problems import RequestError, takes_long
from supervisor.http.requests import CallListQuery, campaign_id, read_query
from supervisor.http.shapes import ImportedShape

LARGEST_LIST = 1 << 30
"""Bytes: some ten million contacts."""
RECEIVE_TIMEOUT_S = 900.0
"""So long a list may take to arrive."""

_PIECE = 1 << 18
_NOT_IN_A_NAME = re.compile(r"[^\w .()-]")
_NO_FILE = "the form has no file in its field `file`"


@dataclass(frozen=True)
class _Sent:
    name: str
    pieces: AsyncIterator[bytes]


class CallLists:
    """Handler of `/campaigns/{id}/call-list`."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def routes(self) -> Iterable[web.RouteDef]:
        """Protected."""
        return [web.post("/campaigns/{id}/call-list", self._import)]

    @takes_long
    async def _import(self, request: web.Request) -> web.Response:
        wanted, query = campaign_id(request), read_query(request, CallListQuery)
        with tempfile.TemporaryDirectory(prefix="campaignd-list-") as folder:
            try:
                async with asyncio.timeout(RECEIVE_TIMEOUT_S):
                    sent = await _sent(request, query.filename)
                    path = Path(folder) / _safe(sent.name)
                    await _write(path, sent.pieces)
            except (ValueError, HttpProcessingError) as error:
                raise RequestError(400, "Malformed form", str(error)) from None
            except TimeoutError:
                reason = f"the list did not come within {RECEIVE_TIMEOUT_S:.0f} s"
                raise RequestError(408, "Request timeout", reason) from None
            return answer(await self._imported(wanted, path))

    async def _imported(self, wanted: UUID, path: Path) -> ImportedShape:
        def work(connection: Connection) -> ImportedShape:
            result = import_call_list(connection, wanted, path, self._now(), lambda done, total: self._database.go_on())
            return ImportedShape(**result.as_json())

        try:
            return await self._database.run_long(work)
        except CallListValidationError as error:
            # Whoever sent it knows its name, and nothing of our folders.
            raise CallListValidationError(str(error).replace(f"{path.parent}/", "")) from error


async def _sent(request: web.Request, filename: str | None) -> _Sent:
    if request.content_type != "multipart/form-data":
        if filename is None:
            reason = "send the list as the field `file` of a multipart/form-data form, or give its name as ?filename="
            raise RequestError(415, "Unsupported media type", reason)
        return _Sent(filename, request.content.iter_chunked(_PIECE))
    async for part in await request.multipart():
        if isinstance(part, BodyPartReader) and part.name == "file":
            return _Sent(filename or part.filename or "", _pieces(part))
    raise RequestError(400, _NO_FILE)


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(_PIECE):
        yield bytes(piece)


async def _write(path: Path, pieces: AsyncIterator[bytes]) -> None:
    """Write the file as it arrives, not on the loop. Raises RequestError when it is too large."""
    size = 0
    with path.open("wb") as file:
        async for piece in pieces:
            size += len(piece)
            if size > LARGEST_LIST:
                raise RequestError(413, "Too large", f"a call list has {LARGEST_LIST} bytes at most")
            await asyncio.to_thread(file.write, piece)


def _safe(name: str) -> str:
    """The last part of the name as a person would know it again; never one that leads out of a folder."""
    last = re.split(r"[/\\]", name)[-1]
    return _NOT_IN_A_NAME.sub("_", last)[-100:].lstrip(". ") or "list"
