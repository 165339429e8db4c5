"""`python -m tests.http.flood PORT A_SECOND` posts webhooks at that pace.

One for each line of its input, on which stand its signature and its body; prints each answer's status, and its time in
seconds from when it was due. A process of its own, so that it takes nothing from the server but its core.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable

_CONNECTIONS = 25


def flood(port: int, a_second: int, signed: Iterable[tuple[str, bytes]]) -> list[tuple[int, float]]:
    """Post these webhooks, each a signature and a body in one line, and tell their answers' statuses and seconds."""
    lines = "".join(f"{signature} {body.decode()}\n" for signature, body in signed)
    command = [sys.executable, "-m", "tests.http.flood", str(port), str(a_second)]
    done = subprocess.run(command, input=lines, text=True, capture_output=True, check=True, timeout=120)
    return [(status, seconds) for status, seconds in json.loads(done.stdout)]


def main() -> None:
    port, a_second = int(sys.argv[1]), float(sys.argv[2])
    requests = [_request(*line.rstrip("\n").split(" ", 1)) for line in sys.stdin]
    answers: list[tuple[int, float]] = []
    began = time.perf_counter() + 0.2

    def post(first: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for number in range(first, len(requests), _CONNECTIONS):
                due = began + number / a_second
                time.sleep(max(due - time.perf_counter(), 0))
                connection.sendall(requests[number])
                head = connection.recv(4096)
                answers.append((int(head.split(b" ", 2)[1]), time.perf_counter() - due))

    threads = [threading.Thread(target=post, args=(first,)) for first in range(_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump(answers, sys.stdout)


def _request(signature: str, body: str) -> bytes:
    content = body.encode()
    head = (
        f"POST /webhooks/livekit HTTP/1.1\r\nHost: campaignd\r\nAuthorization: {signature}\r\n"
        f"Content-Type: application/webhook+json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


if __name__ == "__main__":
    main()
