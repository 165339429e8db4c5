"""The service under a real systemd, installed as the README says, with its own PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.systemd import hanging
from tests.systemd.installed import HTTP, PROGRAM, SERVICE, Installed

pytestmark = pytest.mark.timeout(240)

FOREVER_S = 10_000
QUICKLY = "RestartSec=100ms"
COLOUR = "\x1b["
SUCCESSFUL = "campaignd_config_last_reload_successful"


@pytest.fixture(scope="module")
def machine() -> Iterator[Installed]:
    """Booted once; what a test needs of the service it sets up afresh."""
    folder = Path(tempfile.mkdtemp(prefix="campaignd-boot-", dir="/tmp"))
    try:
        installed = Installed(folder)
        try:
            installed.install()
            yield installed
        finally:
            installed.machine.close()
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def service(machine: Installed) -> Installed:
    """Not started yet, and it remembers nothing."""
    machine.fresh()
    return machine


def test_a_start_lasts_until_campaigns_are_worked(service: Installed) -> None:
    talkers = ["+79450000101", "+79450000102"]
    service.campaign("spring", talkers, FOREVER_S, form="xlsx")
    assert service.systemctl("start", SERVICE) == (0, "")
    assert service.ask(f"{HTTP}/readyz")[0] == 200
    service.wait_for("StatusText", "1 campaign, 2 calls in progress")
    log = service.log()
    assert "service_ready" in log
    assert COLOUR not in log
    # As hardened as it is, with its own PostgreSQL:
    assert service.machine.run("systemd-analyze", "verify", SERVICE, "campaignd@east.service") == (0, "")
    status = service.machine.done("cat", f"/proc/{service.show('MainPID')}/status")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert fields["Uid"].split()[0] == service.machine.done("id", "-u", "campaignd").strip() != "0"
    assert (int(fields["CapBnd"], 16), fields["NoNewPrivs"], fields["Seccomp"]) == (0, "1", "2")
    assert "process_start_time_seconds" in service.ask(f"{HTTP}/metrics")[1]
    # Secrets were read from files that its account can't open; the token is not given, and was not missed.
    assert service.machine.run("runuser", "-u", "campaignd", "--", "ls", "/etc/campaignd/credentials")[0] != 0


def test_the_processes_that_it_starts_can_do_their_work_as_hardened_as_it_is(service: Installed) -> None:
    """A workbook is read by one, too: the start above has done that."""
    transcriber = "/opt/campaignd/bin/python -m actors.recording.transcriber_process none:None model"
    assert service.as_the_service(transcriber) == (0, ""), "it could not give way to calls"


def test_a_reload_with_bad_files_fails_and_the_service_says_that_it_refused_them(service: Installed) -> None:
    assert service.systemctl("start", SERVICE) == (0, "")
    pid = service.show("MainPID")
    service.service_file(more="[http]\nlisten = 9464")
    assert service.systemctl("reload", SERVICE)[0] != 0
    service.wait_for("StatusText", "the last reload was refused")
    assert f"{SUCCESSFUL} 0.0" in service.ask(f"{HTTP}/metrics")[1], "nobody is warned before the next start fails"
    assert "/etc/campaignd/campaignd.toml: http.listen" in service.process_log()
    assert service.show("ActiveState") == "active"
    service.service_file(more='[companies.beta]\nname = "Beta"')
    assert service.systemctl("reload", SERVICE) == (0, "")
    assert "configuration_reloaded" in service.process_log(), "the reload was taken for done before it was"
    assert f"{SUCCESSFUL} 1.0" in service.ask(f"{HTTP}/metrics")[1]
    assert (service.show("ActiveState"), service.show("MainPID")) == ("active", pid)
    assert service.ask(f"{HTTP}/readyz")[0] == 200


def test_a_service_whose_supervisor_hangs_is_started_again_by_the_watchdog(service: Installed) -> None:
    talkers = ["+79450000111", "+79450000112"]
    service.campaign("spring", talkers, FOREVER_S)
    service.machine.write("/opt/campaignd/hanging.py", Path(hanging.__file__).read_text())
    start = "/opt/campaignd/bin/python /opt/campaignd/hanging.py run --config /etc/campaignd/campaignd.toml"
    service.drop_in("hanging", f"ExecStart=\nExecStart={start}\nWatchdogSec=6\n{QUICKLY}")
    assert service.systemctl("start", SERVICE) == (0, "")
    service.wait_for("StatusText", "2 calls in progress")
    service.machine.write(str(hanging.HANG), "")
    service.wait_for_log("not_answering")
    service.machine.done("rm", str(hanging.HANG))
    _wait_for_restart(service)
    assert "Watchdog timeout" in service.systemd_log()
    assert "hanging.py" in service.log().partition("Fatal Python error: Aborted")[2], "it did not say where it hung"
    _check_that_calls_were_taken_over(service, talkers)


def test_a_killed_service_is_started_again_and_takes_its_calls_over(service: Installed) -> None:
    talkers = ["+79450000121", "+79450000122"]
    service.campaign("spring", talkers, FOREVER_S)
    service.drop_in("quickly", QUICKLY)
    assert service.systemctl("start", SERVICE) == (0, "")
    service.wait_for("StatusText", "2 calls in progress")
    service.systemctl("kill", "--signal=KILL", "--kill-whom=main", SERVICE)
    _wait_for_restart(service)
    _check_that_calls_were_taken_over(service, talkers)


def test_a_stop_waits_for_calls_longer_than_a_stuck_service_is_waited_for(service: Installed) -> None:
    talkers = ["+79450000131", "+79450000132"]
    service.campaign("spring", talkers, FOREVER_S)
    service.drop_in("impatient", "TimeoutStopSec=3")
    assert service.systemctl("start", SERVICE) == (0, "")
    service.wait_for("StatusText", "2 calls in progress")
    with service.machine.start("systemctl", "stop", SERVICE) as stop:
        service.wait_for("StatusText", "draining: 2 calls in progress")
        begun_s = int(service.show("StateChangeTimestampMonotonic")) // 1_000_000
        service.machine.wait('test "$(cut -d. -f1 /proc/uptime)" -gt "$1"', str(begun_s + 4))
        assert service.show("ActiveState") == "deactivating"
        service.hang_up(talkers)
        assert stop.wait(60) == 0
    assert (service.show("Result"), service.show("ExecMainStatus")) == ("success", "0")
    assert "calls_left=0" in service.log()
    assert service.rings(talkers) == [False, False]
    own = service.machine.run("find", "/proc", "-maxdepth", "1", "-user", "campaignd")
    assert own == (0, ""), "its PostgreSQL runs on"


def test_what_another_start_would_not_mend_is_not_started_again(service: Installed) -> None:
    service.service_file(more="[http]\nlisten = 9464")
    assert service.systemctl("start", SERVICE)[0] != 0
    assert (service.show("ActiveState"), service.show("ExecMainStatus"), service.show("NRestarts")) == (
        "failed",
        "2",
        "0",
    )
    assert "/etc/campaignd/campaignd.toml: http.listen" in service.log()
    service.service_file()
    service.machine.done("mv", "/etc/campaignd/credentials", "/etc/campaignd/elsewhere")
    try:
        assert service.systemctl("start", SERVICE)[0] != 0
        assert (service.show("ActiveState"), service.show("ExecMainStatus")) == ("failed", "2")
        assert "credential livekit_api_key" in service.log()
    finally:
        service.machine.done("mv", "/etc/campaignd/elsewhere", "/etc/campaignd/credentials")


def test_several_instances_share_a_database(service: Installed) -> None:
    assert service.systemctl("start", SERVICE) == (0, "")
    socket = "/var/lib/campaignd/postgresql/socket"
    shared = f'[database]\ndsn = "host={socket} dbname=postgres user=campaignd"\n[http]\nlisten = "127.0.0.1:{{}}"\n'
    service.service_file(more=shared.format(9465), name="east")
    try:
        assert service.systemctl("start", "campaignd@east") == (0, "")
        assert [service.ask(f"http://127.0.0.1:{port}/readyz")[0] for port in (9464, 9465)] == [200, 200]
    finally:
        stopped = service.systemctl("stop", "campaignd@east")
    assert stopped == (0, "")
    # It runs as the same account, and yet takes nothing of the other's PostgreSQL with it.
    assert service.machine.run(PROGRAM, "status", "--config", "/etc/campaignd/campaignd.toml") == (0, "No campaigns.\n")


def _wait_for_restart(service: Installed) -> None:
    service.wait_for("NRestarts", "1")
    service.wait_for("SubState", "running")


def _check_that_calls_were_taken_over(service: Installed, numbers: Sequence[str]) -> None:
    service.wait_for("StatusText", f"1 campaign, {len(numbers)} calls in progress")
    service.wait_for_log("call_taken_over", times=len(numbers))
    assert service.rings(numbers) == [True] * len(numbers), "somebody was called twice, or hung up on"
