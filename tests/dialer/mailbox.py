"""What a dialer is to the gateway and to webhooks: a mailbox in the directory."""

from __future__ import annotations

import queue
from typing import Any, TypeVar
from uuid import UUID

from actors.addresses import Address, Directory, dialer_address
from actors.call import Call
from actors.ids import new_id

M = TypeVar("M")


class Mailbox:
    """Lives at an address and keeps what it is told."""

    def __init__(self) -> None:
        self._messages: queue.Queue[Any] = queue.Queue()

    def tell(self, message: object) -> None:
        self._messages.put(message)

    def next(self, kind: type[M], timeout_s: float = 10) -> M:
        """The next message, which must be of this kind."""
        message = self._messages.get(timeout=timeout_s)
        assert isinstance(message, kind), message
        return message

    @property
    def empty(self) -> bool:
        return self._messages.empty()


def mailbox(directory: Directory, owner: Address | UUID) -> Mailbox:
    """A mailbox at this address, or at that of this call's dialer."""
    made = Mailbox()
    address = dialer_address(owner) if isinstance(owner, UUID) else owner
    directory.enter(address, made)  # type: ignore[arg-type]
    return made


def a_call(number: str = "+79450000000", **changes: Any) -> Call:
    """A call as a campaign describes it."""
    values: dict[str, Any] = {
        "call_id": new_id(),
        "task_id": new_id(),
        "campaign_id": new_id(),
        "campaign": "spring",
        "trunk": "main",
        "epoch": 1,
        "attempt": 1,
        "max_attempts": None,
        "phone_number": number,
        "contact_name": "Anna",
        "contact_data": {"city": "Москва", "debt": 12.5},
        "agent_name": "renewals-agent",
        "agent_metadata": {"language": "ru"},
        "ringing_timeout_s": 30,
        "max_call_duration_s": 600,
        "agent_timeout_s": 10.0,
    }
    return Call(**{**values, **changes})
