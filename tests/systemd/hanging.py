"""`campaignd`, but its Supervisor stands still as soon as a file asks for it; run on a machine of its own."""

from pathlib import Path
from threading import Event
from typing import Any

from supervisor.__main__ import main
from supervisor.tree.supervisor import Supervisor

HANG = Path("/run/hang")
_receive = Supervisor.receive


def _receive_or_hang(self: Supervisor, message: Any) -> Any:
    if HANG.exists():
        Event().wait()
    return _receive(self, message)


if __name__ == "__main__":
    Supervisor.receive = _receive_or_hang  # type: ignore[method-assign]
    main()
