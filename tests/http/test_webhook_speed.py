"""Webhooks are answered within 50 ms under 500 a second."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from tests.http.site import Site
from tests.http.test_http_server import event, sign

A_SECOND = 500
FOR_S = 2
WITHIN_S = 0.05
NAMES = ("participant_joined", "participant_left", "room_finished", "track_published", "an_event_of_next_year")


def flood(site: Site) -> list[float]:
    """How long each of them took, from when it was due; all are answered as what concerns nobody is."""
    before = site.counted("ignored")
    bodies = [" ".join(event(NAMES[number % len(NAMES)]).decode().split()) for number in range(A_SECOND * FOR_S)]
    lines = "".join(f"{sign(body.encode())} {body}\n" for body in bodies)
    command = [sys.executable, "-m", "tests.http.flood", str(site.port), str(A_SECOND)]
    done = subprocess.run(command, input=lines, text=True, capture_output=True, check=True, timeout=60)
    answers = json.loads(done.stdout)
    assert len(answers) == len(bodies) == site.counted("ignored") - before
    assert {status for status, _ in answers} == {200}
    return [took for _, took in answers]


def test_webhooks_are_answered_while_500_come_in_a_second(site: Site) -> None:
    """Half of them, at least, in one of three attempts: whoever else works on this machine may keep them waiting."""
    assert any(median(flood(site)) < WITHIN_S for _ in range(3))
