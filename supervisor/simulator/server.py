"""The simulated LiveKit itself: its HTTP server, and what its owner may ask of it."""

from __future__ import annotations

import inspect
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import DecodeError, Message

from .agents import Agents
from .auth import BadTokenError, TokenVerifier, permission_denied
from .behaviours import Numbers, Script
from .call import Network
from .control import Control
from .egress import Egresses
from .knobs import Board, Knobs
from .methods import Method, Methods
from .outages import answer_outage, close_connection
from .rings import Book, Ring
from .rooms import Rooms
from .sip import Telephony
from .timeline import Timeline
from .twirp import TwirpError
from .webhooks import Webhooks

# What it knows unless told otherwise; clients warn of secrets shorter than 32 characters.
API_KEY = "devkey"
API_SECRET = "the-secret-of-the-simulated-livekit"
_PROTOBUF, _JSON = "application/protobuf", "application/json"


class Simulator:
    """A LiveKit server to dial through. All methods are for the event loop it was started in.

    `speed`: how many simulated seconds pass in a real one; it divides every duration. `now`: where timestamps come
    from, by default the real time. `script`: what numbers do, over the table in `behaviours`. `recordings_directory`:
    where completed recordings are written; None: they are only reported. `knobs`: the settings to begin with.

    `stop` raises what failed in the background, if anything did.
    """

    def __init__(
        self,
        *,
        api_key: str = API_KEY,
        api_secret: str = API_SECRET,
        webhook_url: str | None = None,
        speed: float = 1.0,
        seed: int = 0,
        script: Script | None = None,
        now: Callable[[], datetime] | None = None,
        recordings_directory: Path | None = None,
        knobs: Knobs | None = None,
    ) -> None:
        self._timeline = timeline = Timeline(speed, now)
        self._board = board = Board(knobs or Knobs())
        if webhook_url is not None:
            board.turn({"webhook_url": webhook_url})
        self._tokens = TokenVerifier(api_key, api_secret)
        self._numbers = Numbers(seed, script)
        self._book = Book()
        self._webhooks = webhooks = Webhooks(timeline, board, api_key, api_secret)
        self._rooms = rooms = Rooms(timeline, webhooks)
        self._agents = agents = Agents(timeline, board, rooms)
        self._egresses = egresses = Egresses(timeline, board, rooms, webhooks, recordings_directory)
        telephony = Telephony(Network(timeline, board, rooms, agents, self._numbers, self._book))
        rooms.on_deserted = agents.room_deserted
        rooms.on_closed = egresses.room_closed
        self._methods = Methods(rooms, agents, telephony, egresses).table()
        self._requests: Counter[str] = Counter()
        self._seed = seed
        self._runner: web.AppRunner | None = None
        self._url: str | None = None
        self._address = ("", 0)

    @property
    def url(self) -> str:
        """Where it listens: `http://127.0.0.1:7880`."""
        if self._url is None:
            raise RuntimeError("the simulator is not running")
        return self._url

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Port 0 takes a free one. Raises OSError when it can't."""
        app = web.Application(client_max_size=8 * 2**20)
        app.router.add_post("/twirp/livekit.{service}/{method}", self._serve)
        Control(self._board, self._numbers, self._book, self.state).add_to(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        try:
            await self._listen(host, port)
        except OSError:
            await self._runner.cleanup()
            raise
        self._address = host, self._runner.addresses[0][1]
        self._url = f"http://{f'[{host}]' if ':' in host else host}:{self._address[1]}"

    async def go_down(self) -> None:
        """The API alone goes down: connections are lost, new ones refused, while calls and webhooks go on."""
        if self._runner is None:
            raise RuntimeError("the simulator is not running")
        for site in list(self._runner.sites):
            await site.stop()
        for connection in self._runner.server.connections if self._runner.server else ():
            if connection.transport is not None:
                connection.transport.abort()

    async def come_back(self) -> None:
        """The API is there again, at the same address."""
        await self._listen(*self._address)

    async def _listen(self, host: str, port: int) -> None:
        if self._runner is None:
            raise RuntimeError("the simulator is not running")
        await web.TCPSite(self._runner, host, port, backlog=1024).start()

    async def stop(self) -> None:
        """Stop listening and forget all calls; leaves no task, timer or connection behind. Harmless when repeated."""
        if self._runner is None:
            return
        runner, self._runner, self._url = self._runner, None, None
        for site in list(runner.sites):
            await site.stop()
        await self._timeline.close()
        await self._webhooks.close()
        await runner.cleanup()
        if self._timeline.failures:
            count = len(self._timeline.failures)
            raise RuntimeError(f"the simulator failed {count} times in the background") from self._timeline.failures[0]

    @property
    def knobs(self) -> Knobs:
        """The settings in force."""
        return self._board.knobs

    def set_knobs(self, **changes: Any) -> None:
        """Change settings: `set_knobs(webhooks="twice", outages={"SIP": Outage("hang")})`. Raises ValueError."""
        self._board.turn(changes)

    def set_script(self, script: Script) -> None:
        """Replace the script; numbers that are not in it do what the table says."""
        self._numbers.set_script(script)

    def set_webhook_url(self, url: str | None) -> None:
        """Where webhooks go from now on; None: nowhere."""
        self.set_knobs(webhook_url=url)

    def rings(self) -> list[Ring]:
        """Every ring so far."""
        return self._book.rings()

    def state(self) -> dict[str, Any]:
        """What is going on, in numbers: plain values."""
        return {
            "speed": self._timeline.speed,
            "seed": self._seed,
            "rooms": len(self._rooms),
            **self._book.as_json(),
            "requests": dict(self._requests),
            "webhooks": {**self._webhooks.counts, "pending": self._webhooks.pending},
            "egress": self._egresses.counts(),
            "failures": [repr(error) for error in self._timeline.failures],
        }

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        service, name = request.match_info["service"], request.match_info["method"]
        self._requests[f"{service}/{name}"] += 1
        outage = self._board.outage(service, name)
        if outage is not None and outage.mode in ("http", "hang", "refuse"):
            return await answer_outage(request, outage, self._timeline)
        answer = await self._answer(request, service, name)
        if outage is not None and outage.mode == "cut":
            return close_connection(request)
        if outage is not None and outage.mode == "late":
            await self._timeline.sleep(outage.seconds)
        return answer

    async def _answer(self, request: web.Request, service: str, name: str) -> web.Response:
        try:
            claims = self._tokens.claims(request.headers.get("Authorization"))
        except BadTokenError as error:
            return web.Response(status=401, text=str(error))
        try:
            method = self._methods.get((service, name))
            if method is None:
                raise TwirpError("bad_route", f"no handler for path {request.path!r}", rpc=False)
            message = _decode(method, request.content_type, await request.read())
            if not method.grant(claims, getattr(message, method.room) if method.room else ""):
                raise permission_denied()
            result = method.run(message)
            answer = await result if inspect.isawaitable(result) else result
        except TwirpError as error:
            return web.Response(status=error.status, body=error.body(), content_type=_JSON)
        except Exception as error:
            self._timeline.failures.append(error)
            raise
        return _encode(answer, request.content_type)


def _decode(method: Method, content_type: str, body: bytes) -> Message:
    message = method.request()
    try:
        if content_type == _PROTOBUF:
            message.ParseFromString(body)
        elif content_type == _JSON:
            Parse(body, message, ignore_unknown_fields=True)
        else:
            raise TwirpError("bad_route", f"unexpected Content-Type: {json.dumps(content_type)}", rpc=False)
    except (DecodeError, ParseError) as error:
        raise TwirpError("malformed", "the request could not be decoded", rpc=False) from error
    return message


def _encode(message: Message, content_type: str) -> web.Response:
    if content_type == _PROTOBUF:
        return web.Response(body=message.SerializeToString(), content_type=_PROTOBUF)
    text = MessageToJson(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    return web.Response(text=text, content_type=_JSON)
