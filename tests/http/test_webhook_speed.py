"""One core is more than enough for 500 webhooks a second. How long each waits for its answer then is a benchmark's to
say (`make bench ARGS=webhooks`): here, whoever else works on this machine keeps them waiting."""

from __future__ import annotations

from time import process_time

from tests.http.flood import flood
from tests.http.site import Site
from tests.http.test_http_server import event, sign

A_SECOND = 500
FOR_S = 2
NAMES = ("participant_joined", "participant_left", "room_finished", "track_published", "an_event_of_next_year")


def test_one_core_answers_500_webhooks_a_second(site: Site) -> None:
    """All are answered as what concerns nobody is. The server's threads are this process's, the flood is another."""
    before = site.counted("ignored")
    bodies = [b" ".join(event(NAMES[number % len(NAMES)]).split()) for number in range(A_SECOND * FOR_S)]
    signed = [(sign(body), body) for body in bodies]
    began_s = process_time()
    answers = flood(site.port, A_SECOND, signed)
    assert process_time() - began_s < FOR_S
    assert {status for status, _ in answers} == {200}
    assert len(answers) == len(bodies) == site.counted("ignored") - before
