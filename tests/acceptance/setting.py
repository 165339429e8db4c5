"""A set-up as the README describes one: configuration files, a database, LiveKit; and who looks at it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.running import Running
from tests.waiting import wait_until

_SERVICE = """
[service]
drain_timeout_s = 20
[database]
dsn = {dsn}
[livekit]
url = "{livekit}"
[trunks.main]
livekit_trunk_id = "ST_main"
from_number = "+74951234567"
[companies.acme]
name = "Acme"
[companies.acme.skillbases.renewals]
agent_name = "renewals-agent"
[http]
listen = "{listen}"
"""

_CAMPAIGN = """
name = "{name}"
company = "acme"
skillbase = "renewals"
trunk = "main"
{call_list}
[retry]
max_retries = 2
retry_delay_minutes = 0.01
[call]
max_call_duration_s = 86400
[limits]
{limits}
"""


@dataclass(frozen=True)
class Setting:
    """One database, one configuration."""

    folder: Path
    dsn: str
    livekit: str
    http: str
    environment: Mapping[str, str]

    def __post_init__(self) -> None:
        """Written once: commands that run at the same time would find a file that is being written anew empty."""
        listen = self.http.removeprefix("http://")
        self.configuration.write_text(_SERVICE.format(dsn=json.dumps(self.dsn), livekit=self.livekit, listen=listen))
        (self.folder / "campaigns.d").mkdir(exist_ok=True)

    @property
    def configuration(self) -> Path:
        """The service's file."""
        return self.folder / "campaignd.toml"

    def campaign(self, slug: str, name: str, numbers: Sequence[str] | None, limits: str = "") -> None:
        """A campaign's file, with a call list if there are numbers."""
        call_list = ""
        if numbers is not None:
            (self.folder / f"{slug}.csv").write_text("\n".join(["phone_number", *numbers]) + "\n")
            call_list = f'call_list = "{slug}.csv"'
        (self.folder / "campaigns.d" / f"{slug}.toml").write_text(
            _CAMPAIGN.format(name=name, call_list=call_list, limits=limits)
        )

    def campaignd(self, *arguments: object) -> Running:
        """A command on this set-up, started."""
        return Running(*arguments, "--config", self.configuration, env=self.environment)

    def done(self, *arguments: object) -> tuple[int, str, str]:
        """A command on this set-up: exit code, what it printed, and what to standard error."""
        with self.campaignd(*arguments) as command:
            return command.end(), command.out, command.err

    def service(self) -> Running:
        """The service, ready."""
        service = self.campaignd("run")
        wait_until(lambda: service.ended or self.get("/readyz")[0] == 200, 20, "the service to be ready")
        assert not service.ended, service.err
        return service

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of an answer of the service; 0 when nobody listens."""
        return _ask(self.http + path)

    def script(self, behaviours: Mapping[str, Any]) -> None:
        """Tell the simulated LiveKit what these numbers do."""
        self._tell_livekit("script", behaviours)

    def turn(self, **knobs: Any) -> None:
        """Turn the simulated LiveKit's knobs."""
        self._tell_livekit("knobs", knobs)

    def _tell_livekit(self, what: str, body: Mapping[str, Any]) -> None:
        code, said = _ask(f"{self.livekit}/simulator/{what}", json.dumps(body).encode())
        assert code == 200, said

    def rings(self) -> list[dict[str, Any]]:
        """Every phone that rang."""
        rings: list[dict[str, Any]] = json.loads(_ask(f"{self.livekit}/simulator/rings")[1])["rings"]
        return rings


def _ask(url: str, body: bytes | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, body, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""
