"""Programs that tests talk to and that pip can't bring: Debian's packages, which `.ci/run` installs."""

from __future__ import annotations

import os
import shutil

import pytest

PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "amtool": "prometheus-alertmanager",
    "systemd-analyze": "systemd",
    "systemd-nspawn": "systemd-container",
    "chromium": "chromium",
    "make": "make",
}
"""Program → the Debian package it comes with."""


def program(name: str) -> str:
    """The program's path. Without it the test is skipped, saying what to install; in CI, where everything is installed,
    it fails instead."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        lack(f"{name} is not here: apt install {PACKAGES[name]}")
    assert found is not None
    return found


def lack(reason: str) -> None:
    """This machine can't run the test: skip it, or fail in CI."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
