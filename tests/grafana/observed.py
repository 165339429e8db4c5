"""The service in a process of its own, under load, beside a simulated LiveKit; and a Prometheus that watches it once a
second, with the rules of `grafana/rules`."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from supervisor.config.samples import write_demo_configuration
from supervisor.simulator import API_KEY, API_SECRET
from tests.acceptance.running import Running
from tests.grafana.files import FOLDER
from tests.machine import program
from tests.ports import free_port
from tests.waiting import wait_until

CONTACTS = 6000
_SPEED = 60
_SERVICE = """
[database]
dsn = {dsn}
[livekit]
url = "{livekit}"
[trunks.main]
livekit_trunk_id = "ST_main"
from_number = "+74951234567"
max_concurrent_calls = 30
calls_per_minute = 6000
[companies.acme]
name = "Acme"
[companies.acme.skillbases.renewals]
agent_name = "renewals-agent"
[http]
listen = "127.0.0.1:{port}"
[breaker]
window_s = 5
open_s = 2
[recordings]
store = "file://{folder}/store"
"""
_CAMPAIGN = """
name = "{slug}"
company = "acme"
skillbase = "renewals"
trunk = "main"
call_list = "lists/{slug}.csv"
[limits]
{limits}
[retry]
retry_delay_minutes = 0.05
backoff = "fixed"
[recording]
enabled = true
"""
_PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}/*.yml"]
scrape_configs:
  - job_name: campaignd
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


class Observed:
    """The service's files and process, its LiveKit, and answers of Prometheus."""

    def __init__(self, folder: Path, service: Running, livekit: str, prometheus: str) -> None:
        self.folder, self.service = folder, service
        self._livekit, self._prometheus = livekit, prometheus

    def outage(self, outages: dict[str, Any]) -> None:
        """From now on LiveKit's services fail so."""
        body = json.dumps({"outages": outages}).encode()
        urllib.request.urlopen(f"{self._livekit}/simulator/knobs", body, timeout=5).close()

    def now(self, expr: str) -> list[float]:
        """The values of all series that answer now, those apart that are no number."""
        answer = self.asked("query", query=expr)
        found = (
            [series["value"] for series in answer["result"]] if answer["resultType"] == "vector" else [answer["result"]]
        )
        return [float(value) for _, value in found if not math.isnan(float(value))]

    def asked(self, what: str, **values: str) -> Any:
        """The data of an answer of Prometheus's API."""
        url = f"{self._prometheus}/api/v1/{what}?{urllib.parse.urlencode(values)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return json.load(answer)["data"]

    def alert(self, name: str) -> dict[str, Any] | None:
        """The alert, while it is pending or fires."""
        alerts = self.asked("alerts")["alerts"]
        return next((alert for alert in alerts if alert["labels"]["alertname"] == name), None)


@contextmanager
def observed(folder: Path, dsn: str) -> Iterator[Observed]:
    """Everything started, and the service ready."""
    port, listens = free_port(), free_port()
    write_files(folder, dsn, port)
    simulated = Running(
        *("simulate-livekit", "--port", 0, "--speed", _SPEED, "--recordings-directory", folder / "store" / "incoming"),
        *("--webhook-url", f"http://127.0.0.1:{port}/webhooks/livekit"),
    )
    environment = os.environ | {"LIVEKIT_API_KEY": API_KEY, "LIVEKIT_API_SECRET": API_SECRET}
    with simulated:
        livekit = wait_until(lambda: simulated.out, 20, "the simulated LiveKit").split()[-1]
        file = folder / "campaignd.toml"
        file.write_text(file.read_text().replace("LIVEKIT", livekit))
        with (
            Running("run", "--config", file, env=environment | {"RUN_MIGRATIONS": "1"}) as service,
            prometheus(folder, port, listens) as url,
        ):
            seen = Observed(folder, service, livekit, url)
            wait_until(lambda: service.ended or seen.now("campaignd_ready == 1"), 30, "Prometheus to see the service")
            assert not service.ended, service.err
            yield seen


def write_files(folder: Path, dsn: str, port: int) -> None:
    """The service's configuration, with the call lists of the demo."""
    demo = write_demo_configuration(folder / "demo", CONTACTS).parent
    shutil.copytree(demo / "lists", folder / "lists")
    (folder / "campaigns.d").mkdir()
    values = {"dsn": json.dumps(dsn), "livekit": "LIVEKIT", "port": port, "folder": folder}
    (folder / "campaignd.toml").write_text(_SERVICE.format(**values))
    limits = dict.fromkeys(("spring", "survey", "deliveries"), "max_concurrent_calls = 4")
    limits["spring"] = "max_concurrent_calls = 8\ncalls_per_minute = 3000"
    for slug, lines in limits.items():
        (folder / "campaigns.d" / f"{slug}.toml").write_text(_CAMPAIGN.format(slug=slug, limits=lines))


@contextmanager
def prometheus(folder: Path, watched: int, listens: int) -> Iterator[str]:
    """A Prometheus that scrapes this port; its URL."""
    file = folder / "prometheus.yml"
    file.write_text(_PROMETHEUS.format(rules=FOLDER / "rules", port=watched))
    log = (folder / "prometheus.log").open("wb")
    process = subprocess.Popen(
        [
            program("prometheus"),
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{listens}",
        ],
        stdout=log,
        stderr=log,
    )
    url = f"http://127.0.0.1:{listens}"
    try:
        wait_until(lambda: process.poll() is not None or _is_ready(url), 30, "Prometheus")
        assert process.poll() is None, (folder / "prometheus.log").read_text()
        yield url
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
