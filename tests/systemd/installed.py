"""campaignd as its users install it: in a virtual environment, with its units, on a machine of its own."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from supervisor.simulator import API_KEY, API_SECRET
from tests.systemd.booted import Booted

REPOSITORY = Path(__file__).parents[2]
PROGRAM = "/opt/campaignd/bin/campaignd"
SERVICE = "campaignd.service"
HTTP = "http://127.0.0.1:9464"
_LIVEKIT = "http://127.0.0.1:7880"
_SPEED = 60

_SERVICE_FILE = """
[service]
drain_timeout_s = 60
lease_s = 5
[livekit]
url = "http://127.0.0.1:7880"
[trunks.main]
livekit_trunk_id = "ST_main"
from_number = "+74951234567"
[companies.acme]
name = "Acme"
[companies.acme.skillbases.renewals]
agent_name = "renewals-agent"
[breaker]
minimum_calls = 1000
{more}
"""

_CAMPAIGN = """
name = "{slug}"
company = "acme"
skillbase = "renewals"
trunk = "main"
call_list = "lists/{slug}.{form}"
[call]
max_call_duration_s = 86400
"""

_LIVEKIT_UNIT = f"""
[Service]
ExecStart={PROGRAM} simulate-livekit --speed {_SPEED} --webhook-url {HTTP}/webhooks/livekit
"""

_INSTALL_UNITS = """
cd /opt/campaignd/share/campaignd/systemd
install -m 644 campaignd.service campaignd@.service /etc/systemd/system/
install -D -m 644 sysusers.d/campaignd.conf /etc/sysusers.d/campaignd.conf
install -D -m 644 tmpfiles.d/campaignd.conf /etc/tmpfiles.d/campaignd.conf
systemd-sysusers campaignd.conf
systemd-tmpfiles --create campaignd.conf
systemctl daemon-reload
"""

_WORKBOOK = """
import openpyxl, pathlib, sys
file = pathlib.Path(sys.argv[1])
book = openpyxl.Workbook()
for line in file.read_text().splitlines():
    book.active.append([line])
book.save(file)
"""

_HANG_UP = """
import asyncio, sys
from livekit.api import DeleteRoomRequest, LiveKitAPI
async def hang_up(url, key, secret, *rooms):
    async with LiveKitAPI(url, key, secret) as livekit:
        for room in rooms:
            await livekit.room.delete_room(DeleteRoomRequest(room=room))
asyncio.run(hang_up(*sys.argv[1:]))
"""

_AS_THE_SERVICE = r"""
sed -e 's/^Type=.*/Type=oneshot/' -e 's/^Restart=.*/Restart=no/' -e '/^Exec/d' -e '/^Watchdog/d' \
    /etc/systemd/system/campaignd.service >/run/systemd/system/once.service
printf '[Service]\nExecStart=%s\n' "$1" >>/run/systemd/system/once.service
systemctl daemon-reload
systemctl start once
"""

_COUNT = 'test "$(journalctl -o cat --cursor="$1" "_SYSTEMD_UNIT=$2" | grep -cF -- "$3")" -ge "$4"'

_FORGET = f"""
systemctl kill --signal=KILL {SERVICE}
systemctl stop {SERVICE}
rm -rf /var/lib/campaignd /etc/campaignd/campaigns.d/* /etc/campaignd/lists /etc/systemd/system/{SERVICE}.d
systemctl daemon-reload
systemctl reset-failed {SERVICE}
"""

_ASK = """
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], sys.argv[2].encode() or None, timeout=5)
except urllib.error.HTTPError as error:
    answer = error
except OSError:
    sys.exit("0")
sys.stdout.write(f"{answer.status}\\n{answer.read().decode()}")
"""


class Installed:
    """The service's machine, and what an operator does and sees there."""

    def __init__(self, folder: Path) -> None:
        files = folder / "files"
        _write(files / "etc/systemd/system/livekit.service", _LIVEKIT_UNIT)
        python = Path(sys.executable).resolve()
        base = Path(sys.base_prefix).resolve()
        shown = {REPOSITORY: "/opt/source"}
        if base != Path("/usr"):  # it may be closed to the service's account
            shown[base] = "/opt/python"
            _write(files / "etc/ld.so.conf.d/python.conf", "/opt/python/lib\n")  # its own way there is closed, too
            python = Path("/opt/python") / python.relative_to(base)
        self._python = str(python)
        self._packages = [Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")]
        shown |= {path: f"/opt/packages/{number}" for number, path in enumerate(self._packages)}
        self.machine = Booted(folder, files, shown)
        self._log_begins = ""

    def install(self) -> None:
        """As the unit's first lines say, from the sources, with the packages that the tests run with."""
        self.machine.wait_until_up()
        self.machine.done("ldconfig")
        self.machine.done(self._python, "-m", "venv", "--without-pip", "/opt/campaignd")
        packages = "".join(f"/opt/packages/{number}\n" for number in range(len(self._packages)))
        places = self.machine.done(
            "/opt/campaignd/bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"
        )
        self.machine.write(f"{places.strip()}/packages.pth", packages)
        options = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--ignore-installed")
        quiet = ("--root-user-action=ignore", "--disable-pip-version-check")
        self.machine.done("/opt/campaignd/bin/python", "-m", "pip", "install", *options, *quiet, "/opt/source")
        self.machine.done("sh", "-ec", _INSTALL_UNITS)
        self.service_file()
        self.credential("livekit_api_key", API_KEY)
        self.credential("livekit_api_secret", API_SECRET)
        self.machine.done("systemctl", "start", "livekit")
        self.machine.wait("journalctl -u livekit | grep -q listens")

    # What an operator writes

    def service_file(self, more: str = "", name: str = "campaignd") -> None:
        """/etc/campaignd/campaignd.toml, or another's, which is right unless `more` is wrong."""
        self.config(f"{name}.toml", _SERVICE_FILE.format(more=more))

    def config(self, name: str, text: str) -> None:
        """A file that the service's account may read."""
        path = f"/etc/campaignd/{name}"
        self.machine.write(path, text)
        self.machine.done("chown", "-R", "root:campaignd", path)

    def credential(self, name: str, value: str) -> None:
        self.machine.write(f"/etc/campaignd/credentials/{name}", value)

    def campaign(self, slug: str, numbers: Sequence[str], talk_s: float, form: str = "csv") -> None:
        """A campaign that starts with the service; those called talk for so many real seconds. Its list has this form,
        csv or xlsx."""
        behaviour = {"kind": "answer", "ring_s": 1, "talk_s": talk_s * _SPEED}
        answer = self.ask(f"{_LIVEKIT}/simulator/script", json.dumps(dict.fromkeys(numbers, behaviour)))
        assert answer[0] == 200, answer
        file = f"/etc/campaignd/lists/{slug}.{form}"
        self.machine.write(file, "\n".join(["phone_number", *numbers, ""]))
        if form == "xlsx":
            self.machine.done("/opt/campaignd/bin/python", "-c", _WORKBOOK, file)
        self.machine.done("chown", "-R", "root:campaignd", "/etc/campaignd/lists")
        self.config(f"campaigns.d/{slug}.toml", _CAMPAIGN.format(slug=slug, form=form))

    def drop_in(self, name: str, text: str) -> None:
        """Lines for the unit's [Service], as `systemctl edit` would write them."""
        self.machine.write(f"/etc/systemd/system/{SERVICE}.d/{name}.conf", f"[Service]\n{text}\n")
        self.machine.done("systemctl", "daemon-reload")

    # What an operator does

    def systemctl(self, *words: str) -> tuple[int, str]:
        """Exit code, and what it said."""
        return self.machine.run("systemctl", *words)

    def as_the_service(self, command: str) -> tuple[int, str]:
        """Exit code and words of a command that may do what the unit lets the service do, and no more."""
        code, said = self.machine.run("sh", "-ec", _AS_THE_SERVICE, "sh", command)
        return code, said if code == 0 else said + self.machine.done("journalctl", "-o", "cat", "-u", "once")

    def fresh(self) -> None:
        """The service as after a new installation, with nothing remembered, not started."""
        self.machine.run("sh", "-c", _FORGET)
        self.service_file()
        # A line of our own, at which to begin: --after-cursor leaves out the first line that matches (systemd 252).
        mark = "systemd-cat echo fresh && journalctl --sync && journalctl -n 1 --show-cursor -o cat"
        self._log_begins = self.machine.done("sh", "-c", mark).partition("cursor: ")[2].strip()

    # What an operator sees

    def show(self, name: str, unit: str = SERVICE) -> str:
        """A property of the unit."""
        return self.machine.done("systemctl", "show", "--value", "-p", name, unit).strip()

    def log(self) -> str:
        """What the service's processes have logged since it is `fresh`."""
        return self._journal(f"_SYSTEMD_UNIT={SERVICE}")

    def process_log(self) -> str:
        """What the service's main process alone has logged."""
        return self._journal(f"_PID={self.show('MainPID')}")

    def systemd_log(self) -> str:
        """What systemd has said about the unit."""
        return self._journal(f"UNIT={SERVICE}")

    def _journal(self, match: str) -> str:
        self.machine.done("journalctl", "--sync")  # what has been said is written
        return self.machine.done("journalctl", "-o", "cat", f"--cursor={self._log_begins}", match)

    def ask(self, url: str, body: str = "") -> tuple[int, str]:
        """Status and text of an answer; 0 when nobody listens."""
        code, printed = self.machine.run("/opt/campaignd/bin/python", "-c", _ASK, url, body)
        status, _, text = printed.partition("\n")
        return (int(status), text) if code == 0 else (0, printed)

    def rings(self, numbers: Sequence[str]) -> list[bool]:
        """Each time that one of these phones rang: whether that call is still up."""
        return [ring["ended_at"] is None for ring in self._rings(numbers)]

    def hang_up(self, numbers: Sequence[str]) -> None:
        """End the calls to these numbers."""
        rooms = [ring["room"] for ring in self._rings(numbers)]
        self.machine.done("/opt/campaignd/bin/python", "-c", _HANG_UP, _LIVEKIT, API_KEY, API_SECRET, *rooms)

    def _rings(self, numbers: Sequence[str]) -> list[dict[str, Any]]:
        rings = json.loads(self.ask(f"{_LIVEKIT}/simulator/rings")[1])["rings"]
        return [ring for ring in rings if ring["number"] in set(numbers)]

    def wait_for(self, name: str, text: str, unit: str = SERVICE) -> None:
        """Until a property of the unit has this in it."""
        self.machine.wait('systemctl show --value -p "$1" "$2" | grep -qF -- "$3"', name, unit, text)

    def wait_for_log(self, text: str, times: int = 1) -> None:
        """Until the service has logged this so often."""
        self.machine.wait(_COUNT, self._log_begins, SERVICE, text, str(times))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
