"""A running server over a real socket, and how a test asks it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg_pool import ConnectionPool

from actors.addresses import Directory
from supervisor.config.campaign import CampaignFile
from supervisor.config.load import Snapshot
from supervisor.config.service import ServiceFile
from supervisor.http.database import Database
from supervisor.http.interface import Interface
from supervisor.http.server import HttpServer
from supervisor.metrics import Metrics
from tests.world import KEY, SECRET, TOKEN, TUESDAY

SERVICE = ServiceFile.model_validate(
    {
        "trunks": {name: {"livekit_trunk_id": "ST", "from_number": "+74951234567"} for name in ("main", "second")},
        "companies": {
            "acme": {"name": "Acme", "skillbases": {"renewals": {"agent_name": "renewals-agent"}}},
            "other": {"name": "Other", "skillbases": {"sales": {"agent_name": "sales-agent"}}},
        },
    }
)


def no_database() -> Database:
    """One that nobody can reach."""
    return Database(ConnectionPool("", open=False), "")


@dataclass
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def content_type(self) -> str:
        return self.headers.get("Content-Type", "")

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        assert self.status < 400, self.json
        return self.json["data"]

    @property
    def refusal(self) -> tuple[int, str]:
        """The status and the error of an answer that is a problem, which it is in JSON and with `details`."""
        assert self.status >= 400 and self.content_type.startswith("application/json"), self
        assert self.json.keys() == {"error", "details"}
        return self.status, self.json["error"]


@dataclass
class Site:
    """A running server, its metrics, and the actors it can reach."""

    port: int = 0
    ready: bool = False
    directory: Directory = field(default_factory=Directory)
    metrics: Metrics = field(default_factory=lambda: Metrics("1.2.3"))
    database: Database = field(default_factory=no_database)
    token: str | None = TOKEN
    campaigns: dict[str, CampaignFile] = field(default_factory=dict)
    now: datetime = TUESDAY
    stop: Callable[[], None] = lambda: None

    @property
    def bearer(self) -> dict[str, str]:
        """The header that carries the token."""
        return {"Authorization": f"Bearer {TOKEN}"}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def interface(self) -> Interface:
        return Interface(
            directory=self.directory,
            metrics=self.metrics,
            webhook_key=KEY,
            webhook_secret=SECRET,
            is_ready=lambda: self.ready,
            database=self.database,
            snapshot=lambda: Snapshot(Path("/campaignd.toml"), SERVICE, self.campaigns, ""),
            now=lambda: self.now,
        )

    def server(self, port: int = 0) -> HttpServer:
        return HttpServer(host="127.0.0.1", port=port, token=self.token, interface=self.interface())

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        """Without the token, unless it is among the headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.read(), response.headers)
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """With the token, as the rest below."""
        return self.ask("GET", path, **self.bearer)

    def delete(self, path: str) -> Answer:
        return self.ask("DELETE", path, **self.bearer)

    def post(self, path: str, data: object = None) -> Answer:
        """As JSON; None: without a body."""
        if data is None:
            return self.ask("POST", path, **self.bearer)
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.ask("POST", path, body, Content_Type="application/json", **self.bearer)

    def webhook(self, body: bytes, authorization: str | None, **headers: str) -> Answer:
        if authorization is not None:
            headers["Authorization"] = authorization
        return self.ask("POST", "/webhooks/livekit", body, Content_Type="application/webhook+json", **headers)

    def counted(self, result: str) -> float:
        value = self.metrics.registry.get_sample_value("campaignd_webhooks_total", {"result": result})
        assert value is not None
        return value
