from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from urllib.parse import urlsplit

import aiohttp
import pytest
from livekit import api

from supervisor.simulator import API_KEY, API_SECRET, Answer, SimulatorThread

NUMBER = "+15550101"


async def _dial(url: str, number: str = NUMBER, room: str = "room") -> None:
    async with aiohttp.ClientSession() as session:
        client = api.LiveKitAPI(url, API_KEY, API_SECRET, session=session, failover=False)
        await client.sip.create_sip_participant(
            api.CreateSIPParticipantRequest(
                sip_trunk_id="ST_main", sip_call_to=number, room_name=room, wait_until_answered=True
            )
        )


def test_it_leaves_no_thread_and_no_socket_behind_though_calls_are_in_progress() -> None:
    before = threading.active_count()
    with SimulatorThread(speed=200, script={NUMBER: Answer(1, 10_000)}) as simulator:
        asyncio.run(_dial(simulator.url))
        assert simulator.state()["calls_in_progress"] == 1
        port = urlsplit(simulator.url).port
        assert port
    assert threading.active_count() == before
    assert [ring.number for ring in simulator.rings()] == [NUMBER]
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))
    simulator.stop()


def test_whoever_waits_when_it_stops_loses_the_connection() -> None:
    async def scenario() -> None:
        with SimulatorThread(script={NUMBER: Answer(ring_s=60)}) as simulator:
            dial = asyncio.create_task(_dial(simulator.url))
            while not await asyncio.to_thread(simulator.rings):
                pass
            await asyncio.to_thread(simulator.stop)
            with pytest.raises(aiohttp.ClientError):
                await dial

    asyncio.run(scenario())


def test_its_settings_change_from_any_thread() -> None:
    with SimulatorThread(speed=200) as simulator:
        simulator.set_knobs(trunks=["ST_other"])
        simulator.set_webhook_url("http://127.0.0.1:9/")
        simulator.set_script({NUMBER: Answer(1, 1)})
        assert simulator.knobs.trunks == ("ST_other",)
        simulator.go_down()
        with pytest.raises(aiohttp.ClientConnectorError):
            asyncio.run(_dial(simulator.url))
        simulator.come_back()
        with pytest.raises(ValueError, match="no such knob: loud"):
            simulator.set_knobs(loud=True)
        with pytest.raises(api.ServerError, match="requested sip trunk does not exist"):
            asyncio.run(_dial(simulator.url))


def test_a_taken_port_is_said_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        simulator = SimulatorThread(port=taken.getsockname()[1])
        with pytest.raises(OSError, match="in use"):
            simulator.start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_says_where_it_listens_and_stops_when_told(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "supervisor", "simulate-livekit", "--port", "0", "--speed", "200"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            url = process.stdout.readline().split()[-1]
            asyncio.run(_dial(url))
            with urllib.request.urlopen(f"{url}/simulator/state") as answer:
                assert json.load(answer)["rings"] == 1
            process.send_signal(number)
            assert process.wait(10) == 0
            assert process.stdout.read() + process.stderr.read() == ""
        finally:
            process.kill()


def test_the_command_shows_the_table_and_an_example() -> None:
    command = [sys.executable, "-m", "supervisor", "simulate-livekit", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "75-79             no answer on the first ring" in shown
    assert "Example:" in shown


def test_the_command_says_in_one_line_that_its_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "supervisor", "simulate-livekit", "--port", port]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"campaignd: cannot listen on 127.0.0.1:{port}: Address already in use\n"
