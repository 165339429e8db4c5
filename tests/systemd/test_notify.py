"""The process says to systemd what sd_notify(3) describes; a real socket hears it."""

from __future__ import annotations

import os
import socket
import time
from uuid import uuid4

import pytest

from supervisor.notify import ServiceManager
from tests.systemd.listening import Listening


def test_each_notice_is_one_datagram_of_the_protocol(systemd: Listening) -> None:
    manager = ServiceManager(systemd.environment())
    before = time.monotonic_ns() // 1000
    manager.ready("3 campaigns, 42 calls in progress")
    manager.reloading()
    manager.alive("1 campaign, 1 call in progress")
    manager.extend(20.5, "draining: 5 calls in progress")
    manager.stopping()
    ready, reloading, alive, extend, stopping = systemd.heard()
    assert ready == {"READY": "1", "STATUS": "3 campaigns, 42 calls in progress"}
    assert reloading.pop("RELOADING") == "1"
    assert before <= int(reloading.pop("MONOTONIC_USEC")) <= time.monotonic_ns() // 1000
    assert reloading == {}
    assert alive == {"WATCHDOG": "1", "STATUS": "1 campaign, 1 call in progress"}
    assert extend == {"EXTEND_TIMEOUT_USEC": "20500000", "STATUS": "draining: 5 calls in progress"}
    assert stopping == {"STOPPING": "1"}


def test_a_status_cannot_say_more_than_a_status(systemd: Listening) -> None:
    ServiceManager(systemd.environment()).alive("calling\nREADY=1\nMAINPID=1")
    assert systemd.heard() == [{"WATCHDOG": "1", "STATUS": "calling READY=1 MAINPID=1"}]


def test_a_socket_in_the_abstract_namespace_is_reached_too() -> None:
    name = f"campaignd-test-{uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0{name}")
        systemd = Listening(receiver, f"@{name}")
        ServiceManager(systemd.environment()).stopping()
        assert systemd.heard() == [{"STOPPING": "1"}]


@pytest.mark.parametrize("address", [None, "", "relative", "/nowhere/at/all"])
def test_where_nobody_listens_nothing_is_said_and_nothing_fails(address: str | None) -> None:
    manager = ServiceManager({} if address is None else {"NOTIFY_SOCKET": address})
    manager.ready("ready")
    manager.stopping()


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "1500000"}, 1.5),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),  # its parent's
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_the_one_that_was_set_for_this_process(
    environment: dict[str, str], seconds: float | None
) -> None:
    assert ServiceManager(environment).watchdog_s == seconds
