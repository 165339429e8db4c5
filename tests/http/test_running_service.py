"""The interface of the real service: a campaign from its creation to its end, by nothing but HTTP."""

from __future__ import annotations

from tests.http.site import Site
from tests.http.test_campaigns import SPRING
from tests.waiting import wait_until
from tests.world import World


def test_a_campaign_is_created_filled_started_and_watched_over_http(fast_world: World) -> None:
    fast_world.start()
    site = Site(int(fast_world.service.url.rpartition(":")[2]))
    campaign = site.post("/campaigns", SPRING | {"retry": {"max_retries": 1}}).data["id"]
    numbers = [f"+7945000{n:02}00" for n in range(5)]
    answer = site.ask(
        "POST",
        f"/campaigns/{campaign}/call-list?filename=spring.csv",
        "\n".join(["phone_number", *numbers]).encode(),
        **site.bearer,
    )
    assert answer.data == {"total": 5, "created": 5, "errors": []}
    assert site.post(f"/campaigns/{campaign}/start").data["status"] == "RUNNING"
    wait_until(lambda: site.get(f"/campaigns/{campaign}").data["status"] == "COMPLETED", 30)
    ended = site.get(f"/campaigns/{campaign}").data
    assert ended["completed_tasks"] + ended["failed_tasks"] == ended["total_tasks"] == ended["tasks"]["total"] == 5
    jobs = site.get(f"/campaigns/{campaign}/jobs").data
    assert {job["phone_number"] for job in jobs} == set(numbers)
    assert {job["status"] for job in jobs} <= {"COMPLETED", "FAILED"}
    assert {job["attempt_count"] for job in jobs} == {1}
    assert site.get("/queue-management/status").data["trunk:main"]["circuit_state"] == "closed"
    assert site.delete(f"/campaigns/{campaign}").data["tasks"] == 5
    assert site.get("/campaigns").data == []
    assert site.ask("GET", "/campaigns").refusal == (401, "unauthorized")
