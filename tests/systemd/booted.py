"""A systemd of its own, booted on an overlay of this machine, in namespaces that end with it: nothing is left."""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tests.machine import lack, program
from tests.waiting import wait_until

_SCRIPT = """
mount -t tmpfs -o mode=0755 tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
root=$1 files=$2
shift 2
while [ $# -gt 0 ]; do
    mkdir -p "$root/root$2"
    mount --bind -o ro "$1" "$root/root$2"
    shift 2
done
cp -R --no-preserve=ownership "$files/." "$root/root/"
"""
_BOOT = "systemd-nspawn -D {root} --private-network --register=no --keep-unit --boot -M {name} -- --unit=sysinit.target"
_DIES_WITH_ITS_PARENT = 1  # PR_SET_PDEATHSIG
_READY_S = 60


class Booted:
    """A machine with this one's files, and over them `files`; `shown` are folders of this one (host's path → path
    there) that would else be closed to its accounts, or lie elsewhere. It has a network with nobody in it."""

    def __init__(self, folder: Path, files: Path, shown: Mapping[Path, str]) -> None:
        program("systemd-nspawn")
        root, self._console = folder / "machine", folder / "console"
        root.mkdir()
        self._pid = 0
        self._groups = _control_groups(name := f"campaignd-test-{os.getpid()}")
        boot = shlex.quote(_BOOT.format(root=root / "root", name=name))
        script = f"set -e\n{_SCRIPT}\nexec script -qfec {boot} /dev/null"
        binds = [str(word) for pair in shown.items() for word in pair]
        command = ["unshare", "--mount", "--pid", "--mount-proc", "--fork", "--kill-child"]
        command += ["sh", "-c", script, "sh", str(root), str(files), *binds]
        with self._console.open("wb") as console:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=self._enter,
            )

    def wait_until_up(self) -> None:
        """Skips the test on a machine that can't boot another."""
        try:
            self._pid = wait_until(self._find_systemd, _READY_S, "systemd to be started")
            wait_until(
                lambda: self.run("systemctl", "is-active", "sysinit.target")[0] == 0, _READY_S, "systemd to be up"
            )
        except AssertionError as error:
            lack(f"no systemd can be booted here: {error}; its console: {self.console[-2000:]}")

    def close(self) -> None:
        """Everything in it dies at once, and its file systems are gone."""
        self._process.kill()
        self._process.wait()
        for group in self._groups:
            wait_until(lambda group=group: _remove(group), what=f"{group} to be empty")  # type: ignore[misc]

    @property
    def console(self) -> str:
        """What it has written to its console."""
        return self._console.read_text(errors="replace")

    def start(self, *command: str) -> subprocess.Popen[str]:
        """A command in it, as its root, started."""
        return subprocess.Popen(
            ["nsenter", "-t", str(self._pid), "-a", *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )

    def run(self, *command: str) -> tuple[int, str]:
        """A command in it, as its root: exit code and what it printed."""
        with self.start(*command) as process:
            return _ended(process)

    def done(self, *command: str) -> str:
        """A command that must succeed; what it printed."""
        code, printed = self.run(*command)
        assert code == 0, f"{shlex.join(command)}: {printed}"
        return printed

    def wait(self, condition: str, *words: str, timeout_s: float = 60) -> None:
        """Until a shell's command succeeds, in which `words` are $1 and further."""
        loop = f"until {condition}; do sleep 0.1; done"
        code, printed = self.run("timeout", str(timeout_s), "sh", "-c", loop, "sh", *words)
        assert code == 0, f"still waiting after {timeout_s} s for: {condition} {shlex.join(words)}: {printed}"

    def write(self, path: str, text: str) -> None:
        """A file in it."""
        self.done("sh", "-c", 'mkdir -p "$(dirname "$1")" && printf %s "$2" >"$1"', "sh", path, text)

    def _find_systemd(self) -> int | None:
        assert self._process.poll() is None, f"it ended with {self._process.returncode}"
        for pid in _descendants(self._process.pid):
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            if fields["Name"] == "systemd" and fields["NSpid"].split()[-1] == "1":
                return pid
        return None

    def _enter(self) -> None:
        """In the child: end with the tests, and in control groups of its own, beside those of other machines."""
        ctypes.CDLL(None).prctl(_DIES_WITH_ITS_PARENT, signal.SIGKILL)
        for group in self._groups:
            (group / "cgroup.procs").write_text("0")


def _control_groups(name: str) -> list[Path]:
    """Made where systemd looks for its own: below ours, in its hierarchy and in that of version 2."""
    mounted = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, folder, kind, options, *_ = line.split()
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            mounted["" if kind == "cgroup2" else "name=systemd"] = Path(folder)
    made = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, hierarchy, ours = line.split(":", 2)
        if hierarchy in mounted:
            group = mounted[hierarchy] / ours.lstrip("/") / name
            try:
                group.mkdir()
            except OSError as error:
                for before in made:
                    before.rmdir()
                lack(f"no systemd can be booted here: {error}")
            made.append(group)
    return made


def _remove(group: Path) -> bool:
    for folder, _, _ in os.walk(group, topdown=False):
        with suppress(OSError):  # not empty yet
            Path(folder).rmdir()
    return not group.exists()


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    printed, _ = process.communicate(timeout=90)
    return process.returncode, printed


def _descendants(pid: int) -> list[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [*children, *(further for child in children for further in _descendants(child))]
