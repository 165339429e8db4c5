"""What LiveKit says of recordings, as it is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from livekit.protocol.egress import EgressInfo, EgressStatus

from actors.addresses import RECORDING, Directory
from actors.call import room_name
from actors.ids import new_id
from actors.recording.egress import read_egress
from actors.recording.gateway import EgressGateway
from actors.recording.messages import EgressLookFailed, EgressNotStarted
from supervisor.tree.loop import LoopThread
from tests.dialer.livekit_stub import Canned, Stub
from tests.dialer.mailbox import Mailbox, mailbox
from tests.world import KEY, SECRET

REFUSAL = Canned(503, rb'{"code": "unavailable", "msg": "worker of +79991112233 \u0000 died"}', "application/json")
KEPT = "unavailable: worker of +7999***2233 \N{REPLACEMENT CHARACTER} died"


@pytest.fixture
def recording(loop: LoopThread) -> Iterator[tuple[EgressGateway, Mailbox]]:
    """A gateway to a LiveKit that refuses everything, and who is told."""
    stub, directory = Stub({"StartRoomCompositeEgress": REFUSAL, "ListEgress": REFUSAL}), Directory()
    loop.run(stub.start(), 5)
    gateway = EgressGateway(loop, directory, stub.url, KEY, SECRET, "file:///in", timeout_s=5)
    loop.run(gateway.open(), 5)
    yield gateway, mailbox(directory, RECORDING)
    loop.run(gateway.close(), 5)
    loop.run(stub.stop(), 5)


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda gateway: gateway.record(new_id(), look_first=False), EgressNotStarted),
        (lambda gateway: gateway.find_egress(new_id()), EgressLookFailed),
    ],
)
def test_whatever_livekit_answers_can_be_kept_and_shows_no_number(
    recording: tuple[EgressGateway, Mailbox],
    ask: Callable[[EgressGateway], None],
    kind: type[EgressNotStarted | EgressLookFailed],
) -> None:
    gateway, told = recording
    ask(gateway)
    assert told.next(kind).error.endswith(KEPT)


def test_so_can_whatever_livekit_says_of_a_recording_that_failed() -> None:
    info = EgressInfo(room_name=room_name(new_id()), status=EgressStatus.EGRESS_FAILED, error="+79991112233 \0 died")
    egress = read_egress(info)
    assert egress is not None
    assert egress.error == "EGRESS_FAILED +7999***2233 \N{REPLACEMENT CHARACTER} died"
