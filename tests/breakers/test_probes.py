"""LiveKit and its agents are probed with the official client, and nobody is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from actors.addresses import BREAKERS, Directory
from actors.breakers.breaker import Result
from actors.breakers.gateway import ProbeGateway
from actors.breakers.messages import AgentAbsent, AgentSentFor, ProbeAnswered
from supervisor.simulator import Outage, SimulatorThread
from supervisor.tree.loop import LoopThread
from tests.dialer.livekit_stub import Canned, Stub
from tests.dialer.mailbox import Mailbox, mailbox
from tests.waiting import wait_until
from tests.world import KEY, SECRET

ROOM = "campaignd-probe-1"
FAILURES = [Outage("http", 401), Outage("http", 502), Outage("http", 503), Outage("refuse"), Outage("hang")]


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
def breakers(directory: Directory) -> Mailbox:
    """Where the breakers live."""
    return mailbox(directory, BREAKERS)


@contextmanager
def probes_of(loop: LoopThread, directory: Directory, url: str, secret: str = SECRET) -> Iterator[ProbeGateway]:
    made = ProbeGateway(loop, directory, url, KEY, secret, timeout_s=1)
    loop.run(made.open(), 5)
    yield made
    loop.run(made.close(), 5)


@pytest.fixture
def probes(loop: LoopThread, directory: Directory, livekit: SimulatorThread) -> Iterator[ProbeGateway]:
    with probes_of(loop, directory, livekit.url) as made:
        yield made


def test_a_livekit_that_answers_works(probes: ProbeGateway, breakers: Mailbox) -> None:
    probes.list_rooms("livekit", 7)
    assert breakers.next(ProbeAnswered) == ProbeAnswered("livekit", 7, Result.OK)


@pytest.mark.parametrize("outage", FAILURES, ids=lambda outage: f"{outage.mode} {outage.status}")
def test_a_livekit_that_does_not_answer_fails(
    probes: ProbeGateway, breakers: Mailbox, livekit: SimulatorThread, outage: Outage
) -> None:
    livekit.set_knobs(outages={"all": outage})
    probes.list_rooms("livekit", 7)
    answered = breakers.next(ProbeAnswered)
    assert (answered.result, answered.generation) == (Result.FAILED, 7)
    assert answered.error and "LiveKit" in answered.error


def test_a_livekit_that_is_gone_or_does_not_know_us_fails(
    loop: LoopThread, directory: Directory, breakers: Mailbox, livekit: SimulatorThread
) -> None:
    with probes_of(loop, directory, livekit.url, "another-secret-that-is-long-enough-for-sha256") as strangers:
        strangers.list_rooms("livekit", 1)
        assert breakers.next(ProbeAnswered).result is Result.FAILED
    livekit.go_down()
    with probes_of(loop, directory, livekit.url) as probes:
        probes.list_rooms("livekit", 2)
        assert breakers.next(ProbeAnswered).result is Result.FAILED


def test_a_livekit_that_is_asked_too_much_says_nothing(
    probes: ProbeGateway, breakers: Mailbox, livekit: SimulatorThread
) -> None:
    livekit.set_knobs(outages={"all": Outage("http", 429)})
    probes.list_rooms("livekit", 1)
    assert breakers.next(ProbeAnswered).result is Result.NOTHING


def test_an_agent_that_comes_to_an_empty_room_is_seen(
    probes: ProbeGateway, breakers: Mailbox, livekit: SimulatorThread
) -> None:
    probes.send_for_agent("agents:a", 3, ROOM, "a", {})
    assert breakers.next(AgentSentFor) == AgentSentFor("agents:a", 3)

    def comes() -> bool:
        probes.look_for_agent("agents:a", 3, ROOM)
        answer = breakers.next(object)
        return answer == ProbeAnswered("agents:a", 3, Result.OK)

    wait_until(comes)
    probes.delete_room(ROOM)
    wait_until(lambda: livekit.state()["rooms"] == 0)
    assert livekit.rings() == []


def test_an_agent_that_does_not_come_is_absent(
    probes: ProbeGateway, breakers: Mailbox, livekit: SimulatorThread
) -> None:
    livekit.set_knobs(agent_worker=False)
    probes.send_for_agent("agents:a", 3, ROOM, "a", {})
    breakers.next(AgentSentFor)
    probes.look_for_agent("agents:a", 3, ROOM)
    assert breakers.next(AgentAbsent) == AgentAbsent("agents:a", 3)


@pytest.mark.parametrize("outage", FAILURES, ids=lambda outage: f"{outage.mode} {outage.status}")
def test_livekits_failure_says_nothing_of_the_agents(
    probes: ProbeGateway, breakers: Mailbox, livekit: SimulatorThread, outage: Outage
) -> None:
    livekit.set_knobs(outages={"all": outage})
    probes.send_for_agent("agents:a", 3, ROOM, "a", {})
    assert breakers.next(ProbeAnswered).result is Result.NOTHING
    probes.look_for_agent("agents:a", 3, ROOM)
    assert breakers.next(ProbeAnswered).result is Result.NOTHING


def test_whatever_livekit_answers_a_probe_can_be_kept_and_shows_no_number(
    loop: LoopThread, directory: Directory, breakers: Mailbox
) -> None:
    refusal = rb'{"code": "unavailable", "msg": "trunk of +79991112233 \u0000 died"}'
    stub = Stub({"ListRooms": Canned(503, refusal, "application/json")})
    loop.run(stub.start(), 5)
    with probes_of(loop, directory, stub.url) as probes:
        probes.list_rooms("livekit", 1)
        said = "LiveKit answered HTTP 503 unavailable: trunk of +7999***2233 \N{REPLACEMENT CHARACTER} died"
        assert breakers.next(ProbeAnswered) == ProbeAnswered("livekit", 1, Result.FAILED, said)
    loop.run(stub.stop(), 5)
