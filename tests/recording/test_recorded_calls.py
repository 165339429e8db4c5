"""From an answered call to a file in the store, with the real service and whatever LiveKit makes of it."""

from __future__ import annotations

import hashlib

import pytest

from supervisor.simulator import NoAnswer, Outage
from tests.http.site import Site
from tests.recording.recorded import NUMBERS, TALK, RecordedWorld
from tests.waiting import wait_until


def check_stored(recorded: RecordedWorld) -> None:
    rows = recorded.wait_for_state("stored")
    for row in rows:
        content = (recorded.store / row["file"]).read_bytes()
        assert row["file"] == f"{row['company_id']}/{row['call_id']}.ogg"
        assert (row["bytes"], row["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
        assert content.startswith(b"OggS") and str(row["call_id"]).encode() in content
        assert row["duration_s"] > 0
    wait_until(lambda: recorded.files() == {row["file"] for row in rows}, what="the source to be empty")
    assert recorded.world.read("SELECT * FROM recording_slots") == []


def test_every_answered_call_is_in_the_store_whole_and_nowhere_else(recorded: RecordedWorld) -> None:
    recorded.settle()
    recorded.call()
    check_stored(recorded)
    assert {row["call_id"] for row in recorded.rows} == {call["id"] for call in recorded.world.calls("spring")}
    recorded.world.check_ledger()


def test_recordings_of_which_no_webhook_tells_are_found(recorded: RecordedWorld) -> None:
    recorded.settle()
    recorded.livekit.set_knobs(webhooks="never")
    recorded.call()
    check_stored(recorded)


def test_a_repeated_webhook_fetches_nothing_twice(recorded: RecordedWorld) -> None:
    recorded.settle()
    recorded.livekit.set_knobs(webhooks="twice")
    recorded.call()
    check_stored(recorded)
    assert {row["attempts"] for row in recorded.rows} == {1}


def test_only_answered_calls_of_campaigns_that_record_are_recorded(recorded: RecordedWorld) -> None:
    recorded.settle()
    recorded.world.campaign("silent", NUMBERS[2:3])
    silent = NUMBERS[1]
    recorded.livekit.set_script({**TALK, silent: NoAnswer()})
    recorded.world.campaign("spring", NUMBERS[:2], "[recording]\nenabled = true\n[retry]\nmax_retries = 1")
    recorded.world.start()
    for slug in ("spring", "silent"):
        recorded.world.wait_for_status(slug, "completed", 60)
    (row,) = recorded.wait_for_state("stored", count=1)
    (answered,) = [call for call in recorded.world.calls("spring") if call["answered_at"]]
    assert row["call_id"] == answered["id"]
    assert sum(recorded.livekit.state()["egress"].values()) == 1


@pytest.mark.parametrize(
    ("egress", "reason"),
    [
        ("failed", "upload failed: storage unavailable"),
        ("aborted", "Start signal not received"),
        ("stuck", "had not ended 60 s after the call"),
        ("refused", "no response from servers; "),
    ],
)
def test_a_recording_that_livekit_does_not_make_fails_with_its_reason_and_ends_no_call(
    recorded: RecordedWorld, egress: str, reason: str
) -> None:
    recorded.settle("egress_timeout_s = 60")
    recorded.livekit.set_knobs(egress=egress)
    recorded.call()
    rows = recorded.wait_for_state("failed")
    assert all(reason in row["error_message"] for row in rows), [row["error_message"] for row in rows]
    assert {call["outcome"] for call in recorded.world.calls("spring")} == {"answered"}


def test_a_request_whose_answer_is_lost_makes_no_second_recording(recorded: RecordedWorld) -> None:
    recorded.settle()
    recorded.livekit.set_knobs(outages={"Egress/StartRoomCompositeEgress": Outage("cut", times=4)})
    recorded.call()
    check_stored(recorded)
    assert sum(recorded.livekit.state()["egress"].values()) == len(NUMBERS)


def test_what_ended_while_nobody_was_there_is_fetched_at_the_next_start(recorded: RecordedWorld) -> None:
    recorded.settle()
    recorded.livekit.set_script(TALK)
    recorded.world.campaign("spring", NUMBERS, "[recording]\nenabled = true")
    recorded.world.start()
    wait_until(lambda: len(recorded.rows) == len(NUMBERS), 30, "all to have answered")
    recorded.world.stop()
    recorded.world.start()
    recorded.world.wait_for_status("spring", "completed", 60)
    check_stored(recorded)


def test_a_campaign_deleted_over_http_takes_its_files_and_transcripts_out_of_the_store_and_no_others(
    recorded: RecordedWorld,
) -> None:
    recorded.settle()
    recorded.world.campaign("autumn", NUMBERS[:1], "[recording]\nenabled = true")
    recorded.call(NUMBERS[1:])
    recorded.world.wait_for_status("autumn", "completed", 60)
    rows = recorded.wait_for_state("stored")
    autumn = {call["id"] for call in recorded.world.calls("autumn")}
    (kept,) = [row["file"] for row in rows if row["call_id"] in autumn]
    for row in rows:
        (recorded.store / row["file"]).with_suffix(".json").write_text("{}")
    campaign = recorded.world.id("spring")
    (recorded.world.folder / "campaigns.d" / "spring.toml").unlink()
    recorded.world.reload()
    site = Site(int(recorded.world.service.url.rpartition(":")[2]))
    assert site.delete(f"/campaigns/{campaign}").data["recordings"] == len(rows) - 1
    wait_until(lambda: recorded.files() == {kept, kept.replace(".ogg", ".json")}, what="all others to go")
