"""Permits are never lost: one that nobody returns would narrow its trunk for ever."""

from __future__ import annotations

from actors.addresses import SUPERVISOR, campaign_address, trunk_address
from actors.campaign.messages import SettingsChanged
from actors.supervision import StopChild
from actors.trunk.messages import PermitsKept
from tests.tree.people import Registrar
from tests.waiting import wait_until
from tests.world import World


def test_a_campaign_that_stops_gives_up_its_permits_also_those_behind_its_stop(still_world: World) -> None:
    closed = '[schedule]\ndaily_start_time = "18:00"\ndaily_end_time = "20:00"'
    still_world.campaign("spring", ["+79450000001"], closed)
    still_world.start()
    campaign_id = still_world.id("spring")
    directory, told = still_world.service.directory, Registrar()
    campaign = wait_until(lambda: directory.find(campaign_address(campaign_id)))
    assert campaign is not None
    campaign.ask(SettingsChanged(), timeout=10)  # answered once it has begun: what it says at its start is said
    trunk = directory.find(trunk_address("main"))
    assert trunk is not None
    directory.enter(trunk_address("main"), told)  # type: ignore[arg-type]
    try:
        still_world.tell(SUPERVISOR, StopChild(campaign_address(campaign_id)))
        wait_until(lambda: PermitsKept(campaign_id, ()) in told.told)
    finally:
        directory.enter(trunk_address("main"), trunk)
