"""`campaignd check`, as it is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from config_folder import Folder

from supervisor.commands import options
from supervisor.config.load import load_service
from supervisor.config.problems import ConfigurationFilesError

CHECKOUT = Path(__file__).parents[2]
NOBODY = 65_534


def check(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it in `folder`, with no secrets in the environment."""
    return subprocess.run(
        [sys.executable, "-m", "supervisor", "check", *arguments],
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONPATH": str(CHECKOUT), "LANG": "C.UTF-8"} | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_valid_configuration_is_counted(folder: Folder) -> None:
    done = check("--config", "campaignd.toml", folder=folder.path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok: 1 campaigns, 2 companies, 1 trunks\n", "")
    done = check("--json", folder=folder.path, CAMPAIGND_CONFIG=str(folder.service))
    assert json.loads(done.stdout) == {"ok": True, "campaigns": 1, "companies": 2, "trunks": 1, "errors": []}


@pytest.mark.skipif(Path("/etc/campaignd").exists(), reason="the machine's own configuration comes first")
def test_the_sample_in_the_working_folder_is_found() -> None:
    done = check(folder=CHECKOUT)
    assert (done.returncode, done.stdout) == (0, "ok: 3 campaigns, 1 companies, 2 trunks\n")


def test_every_mistake_is_a_line_and_the_exit_code_is_2(folder: Folder) -> None:
    folder.add_to_service("[http]\nlisten = 3")
    folder.add_to_campaign("[limits]\ncalls_per_minute = 0\n[shedule]")
    done = check("--config", "campaignd.toml", folder=folder.path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "campaignd.toml: http.listen: Input should be a valid string",
        "campaigns.d/spring.toml: limits.calls_per_minute: Input should be greater than 0",
        "campaigns.d/spring.toml: shedule: unknown key; did you mean 'schedule'?",
    ]


def test_machines_are_told_the_same(folder: Folder) -> None:
    folder.campaign.write_text("name == 1", encoding="utf-8")
    done = check("--config", "campaignd.toml", "--json", folder=folder.path)
    assert done.returncode == 2
    assert json.loads(done.stdout) == {
        "ok": False,
        "errors": [
            {
                "file": "campaigns.d/spring.toml",
                "key": "",
                "reason": "not TOML: Invalid value",
                "line": 1,
                "column": 7,
            }
        ],
    }


def test_a_missing_file_is_one_line_that_names_it(folder: Folder) -> None:
    done = check("--config", "nowhere.toml", folder=folder.path)
    assert (done.returncode, done.stderr) == (2, "campaignd: nowhere.toml: no such file\n")
    done = check(folder=folder.path, CAMPAIGND_CONFIG="gone.toml")
    assert (done.returncode, done.stderr) == (2, "campaignd: gone.toml: no such file (named by CAMPAIGND_CONFIG)\n")


def test_a_folder_that_may_not_be_entered_is_one_line_that_names_the_file(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CAMPAIGND_CONFIG", raising=False)
    monkeypatch.setattr(options, "_SYSTEM", folder.service)
    folder.path.chmod(0)
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(NOBODY)
        for given in (folder.service, None):
            with pytest.raises(ConfigurationFilesError) as caught:
                load_service(options.service_file(given))
            assert str(caught.value) == f"{folder.service}: can't be read: Permission denied"
    finally:
        os.seteuid(user)
        folder.path.chmod(0o700)


def test_a_folder_in_place_of_the_file_is_one_line_that_says_so(folder: Folder) -> None:
    done = check("--config", "campaigns.d", folder=folder.path)
    assert (done.returncode, done.stderr) == (2, "campaigns.d: can't be read: Is a directory\n")
