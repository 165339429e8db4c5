"""LiveKit is away, answers nonsense or nothing, or says everything twice: nobody is called twice for one attempt,
nobody who talks is hung up on, and when it is well again everybody is called."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from functools import partial

import pytest
from prometheus_client.parser import text_string_to_metric_families

from supervisor.simulator import Answer, Outage, Ring
from tests.acceptance.running import Running
from tests.crash.contacts import BUSY, LONG, NO_ANSWER, SHORT, contacts
from tests.crash.flood import Flood
from tests.crash.part import Part
from tests.crash.promises import check_nobody_was_hung_up_on
from tests.crash.scene import KEY, SECRET, Scene
from tests.waiting import wait_until

_PEOPLE = ((LONG,), (SHORT,), (BUSY, SHORT), (Answer(ring_s=0.2, talk_s=5.0),), (NO_ANSWER, LONG))
_AWAY_S = 3.0
_RETRY_S = 2.0
_LONGEST_REQUEST_S = 20
"""How long one waits at most that is never answered: a dial, which is given as long as a phone may ring, and 15 s."""
AT_ONCE = 5
WEBHOOKS = 2000


def refuses_connections(scene: Scene) -> None:
    service = _begin(scene)
    with scene.livekit_fails():
        scene.livekit.go_down()
        scene.pass_time(_AWAY_S)
        scene.livekit.come_back()
    _end(scene, service)


def loses_every_connection_now_and_then(scene: Scene) -> None:
    """Dials among them, while the phone rings."""
    service = _begin(scene)
    for _ in range(8):
        with scene.livekit_fails():
            scene.livekit.go_down()
            scene.livekit.come_back()
            scene.pass_time(0.5)
    _end(scene, service)


def fails(scene: Scene, *, outages: Iterable[Mapping[str, Outage]]) -> None:
    """So, one after the other, with a pause between them in which it is well."""
    service = _begin(scene)
    for each in outages:
        with scene.livekit_fails():
            scene.livekit.set_knobs(outages=each)
            scene.pass_time(_AWAY_S / 2)
            scene.livekit.set_knobs(outages={})
            scene.pass_time(_RETRY_S)
    _end(scene, service)


def hangs(scene: Scene) -> None:
    """What it was asked meanwhile it never answers, also when it is well again."""
    service = _begin(scene)
    with scene.livekit_fails():
        for part in ("SIP", "RoomService"):
            scene.livekit.set_knobs(outages={part: Outage("hang")})
            scene.pass_time(_AWAY_S / 2)
        scene.livekit.set_knobs(outages={})
        scene.pass_time(_LONGEST_REQUEST_S)
    _end(scene, service)


def knows_another_secret(scene: Scene) -> None:
    """Then the service is started with the right one."""
    scene.retry_delay_minutes = _RETRY_S / 60
    scene.campaign("spring", contacts(10, _PEOPLE))
    with scene.livekit_fails():
        service = scene.ready(secret="another-secret-that-is-long-enough-too")
        scene.pass_time(_AWAY_S / 2)
        scene.stop(service)
    assert not scene.livekit.rings()
    _end(scene, scene.ready())


def floods_with_webhooks(scene: Scene) -> None:
    with Flood(f"{scene.url()}/webhooks/livekit", KEY, SECRET) as flood:
        scene.livekit.set_webhook_url(flood.url)
        service = _begin(scene, meanwhile=lambda: flood.pour(40))
        flood.pour(WEBHOOKS)
        wait_until(lambda: _mailbox_depth(scene) == 0, 20, "the mailboxes to be empty")
        scene.wait_until_completed(service, meanwhile=lambda: flood.pour(40))
        assert flood.statuses.keys() == {200} and flood.statuses[200] >= WEBHOOKS and flood.lost
        _end(scene, service)


def _begin(scene: Scene, meanwhile: Callable[[], None] = lambda: None) -> Running:
    """People are being called, and some talk."""
    scene.retry_delay_minutes = _RETRY_S / 60  # longer than an outage: of one task's attempts it spoils but one
    scene.campaign("spring", contacts(16, _PEOPLE), max_concurrent_calls=4)
    service = scene.ready()

    def under_way(rings: list[Ring]) -> bool:
        meanwhile()
        return len(rings) >= 5 and any(ring.answered_at and not ring.ended_at for ring in rings)

    scene.wait_until_people(under_way)
    return service


def _end(scene: Scene, service: Running) -> None:
    scene.wait_until_completed(service)
    scene.stop(service)
    check_nobody_was_hung_up_on(scene)


def _mailbox_depth(scene: Scene) -> float:
    with urllib.request.urlopen(f"{scene.url()}/metrics", timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        depths = [
            one.value for family in families if family.name == "campaignd_mailbox_depth" for one in family.samples
        ]
    assert depths
    return sum(depths)


OUTAGES: dict[str, tuple[Mapping[str, Outage], ...]] = {
    "refuses to work": ({"all": Outage("http", 401)}, {"all": Outage("http", 503)}, {"all": Outage("refuse")}),
    "answers with nonsense": ({"all": Outage("http", 500)}, {"all": Outage("http", 502)}, {"SIP": Outage("refuse")}),
    "does not say what it did": (
        {"SIP": Outage("http", 502)},
        {"SIP": Outage("cut")},
        {"SIP": Outage("late", seconds=1.5)},
    ),
}
PARTS = (
    Part("hangs", hangs, long=True),
    Part("floods with webhooks", floods_with_webhooks, long=True),
    Part("refuses connections", refuses_connections),
    Part("loses every connection now and then", loses_every_connection_now_and_then),
    Part("knows another secret", knows_another_secret),
    *(Part(name, partial(fails, outages=outages)) for name, outages in OUTAGES.items()),
)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_livekit(played: dict[Part, Future[None]], part: Part) -> None:
    played[part].result(115)
