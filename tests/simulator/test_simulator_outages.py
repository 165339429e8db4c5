from __future__ import annotations

import asyncio

import aiohttp
import pytest
from livekit import api
from livekit_client import livekit, until

from supervisor.simulator import Answer, Knobs, Outage

NUMBER = "+15550101"
TALK = Answer(ring_s=1, talk_s=10_000)


@pytest.mark.parametrize(
    ("outage", "code", "status"),
    [
        (Outage("http", 429), "resource_exhausted", 429),
        (Outage("http", 502), "unknown", 502),
        (Outage("http", 503), "unavailable", 503),
        (Outage("http", 401), "unknown", 401),
        (Outage("http", 500, body="text"), "unknown", 500),
    ],
)
def test_an_outage_can_answer_as_livekit_or_its_proxy_would(outage: Outage, code: str, status: int) -> None:
    async def scenario() -> None:
        async with livekit(knobs=Knobs(outages={"all": outage})) as lk:
            error = await lk.refusal(NUMBER)
            assert (error.code, error.status) == (code, status)
            assert lk.simulator.rings() == []

    asyncio.run(scenario())


def test_a_hanging_server_answers_nobody_and_does_nothing() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            lk.simulator.set_knobs(outages={"RoomService": {"mode": "hang"}})
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await lk.create_room("room")
            hanging = asyncio.create_task(lk.create_room("another"))
            await until(lambda: lk.simulator.state()["requests"]["RoomService/CreateRoom"] == 2)
            lk.simulator.set_knobs(outages={})
            assert await lk.rooms() == []
            assert not hanging.done()
            hanging.cancel()

    asyncio.run(scenario())


def test_a_refused_connection_did_nothing_and_a_cut_one_did_it_all() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: TALK}) as lk:
            for mode, rings in (("refuse", 0), ("cut", 1)):
                lk.simulator.set_knobs(outages={"SIP": Outage(mode)})  # type: ignore[arg-type]
                with pytest.raises(aiohttp.ClientError):
                    await lk.dial(NUMBER)
                assert len(lk.simulator.rings()) == rings
            assert await lk.status("room") == "active"

    asyncio.run(scenario())


def test_a_late_answer_is_a_true_one() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            lk.simulator.set_knobs(outages={"all": Outage("late", seconds=50)})
            began = asyncio.get_running_loop().time()
            await lk.create_room("room")
            assert asyncio.get_running_loop().time() - began > 0.2
            assert await lk.rooms() == ["room"]

    asyncio.run(scenario())


def test_an_outage_hits_one_method_one_service_or_all_and_as_often_as_it_says() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            lk.simulator.set_knobs(outages={"RoomService/CreateRoom": Outage("http", times=1)})
            assert await lk.rooms() == []
            with pytest.raises(api.ServerError):
                await lk.create_room("room")
            await lk.create_room("room")
            lk.simulator.set_knobs(outages={"RoomService": Outage("http")})
            with pytest.raises(api.ServerError):
                await lk.rooms()
            await lk.api.egress.list_egress(api.ListEgressRequest())

    asyncio.run(scenario())


def test_calls_live_through_an_outage() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: TALK}) as lk:
            await lk.dial(NUMBER)
            lk.simulator.set_knobs(outages={"all": Outage("http")})
            with pytest.raises(api.ServerError):
                await lk.rooms()
            lk.simulator.set_knobs(outages={})
            assert await lk.status("room") == "active"

    asyncio.run(scenario())


def test_a_server_that_is_down_refuses_connections_while_its_calls_go_on() -> None:
    async def scenario() -> None:
        async with livekit(script={NUMBER: Answer(ring_s=40, talk_s=10_000)}) as lk:
            waiting = asyncio.create_task(lk.dial(NUMBER, ringing_s=60))
            await until(lk.simulator.rings)
            await lk.simulator.go_down()
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await waiting
            with pytest.raises(aiohttp.ClientConnectorError):
                await lk.rooms()
            await until(lambda: lk.simulator.rings()[0].answered_at)
            await lk.simulator.come_back()
            assert await lk.status("room") == "active"

    asyncio.run(scenario())


def test_knobs_script_rings_and_state_are_there_over_http() -> None:
    async def scenario() -> None:
        async with livekit() as lk:
            base = f"{lk.simulator.url}/simulator"

            async def post(path: str, body: object) -> tuple[int, dict[str, object]]:
                async with lk.session.post(f"{base}/{path}", json=body) as answer:
                    return answer.status, await answer.json()

            async def get(path: str) -> dict[str, object]:
                async with lk.session.get(f"{base}/{path}") as answer:
                    return await answer.json()

            status, knobs = await post("knobs", {"webhooks": "twice", "outages": {"Egress": {"mode": "hang"}}})
            assert (status, knobs["webhooks"]) == (200, "twice")
            assert (await get("knobs"))["outages"]["Egress"]["mode"] == "hang"  # type: ignore[index]
            for wrong in ({"volume": 11}, {"webhooks": "often"}, {"outages": {"Sip": {"mode": "hang"}}}, [1]):
                status, answer = await post("knobs", wrong)
                assert (status, list(answer)) == (400, ["error"])
            assert lk.simulator.knobs.webhooks == "twice"

            assert (await post("script", {NUMBER: [{"kind": "refuse", "sip_code": 486, "sip_status": "x"}]}))[0] == 200
            assert (await post("script", {NUMBER: [{"kind": "explode"}]}))[0] == 400
            assert (await lk.refusal(NUMBER)).metadata["sip_status_code"] == "486"
            (ring,) = (await get("rings"))["rings"]  # type: ignore[misc]
            assert (ring["number"], ring["room"], ring["identity"], ring["result"]) == (
                NUMBER,
                "room",
                "callee",
                "sip 486",
            )
            state = await get("state")
            assert (state["rings"], state["calls_in_progress"], state["failures"]) == (1, 0, [])

    asyncio.run(scenario())
