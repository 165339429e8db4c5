"""LiveKit posts its webhooks to each of a list of addresses; the simulator to one, which is this."""

from __future__ import annotations

import queue
import threading
import urllib.request
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Webhook = tuple[bytes, dict[str, str]]
_WITHIN_S = 1.0


class Relay:
    """Passes every webhook on to all addresses, to each in the order of their coming, one that hangs holding up none
    of the others. What does not arrive is lost. A context manager; `url` is where it listens."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._queues: list[queue.Queue[Webhook | None]] = [queue.Queue() for _ in addresses]
        relay = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept = {name: self.headers[name] for name in ("Authorization", "Content-Type")}
                for waiting in relay._queues:
                    waiting.put((body, kept))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._threads = [threading.Thread(target=self._server.serve_forever, args=(0.05,))]
        self._threads += [
            threading.Thread(target=_post, args=each) for each in zip(addresses, self._queues, strict=True)
        ]
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Relay:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for waiting in self._queues:
            waiting.put(None)
        for thread in self._threads:
            thread.join()


def _post(address: str, webhooks: queue.Queue[Webhook | None]) -> None:
    while (webhook := webhooks.get()) is not None:
        body, headers = webhook
        try:
            urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=_WITHIN_S).close()
        except OSError:
            continue  # nobody is there, or does not answer: LiveKit's webhooks get lost, too
