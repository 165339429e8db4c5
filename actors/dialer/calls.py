"""Calls: starts and finds dialers by call id, and keeps every result until its campaign has settled it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pykka
import structlog

from actors.actor import Actor, Surroundings
from actors.addresses import SUPERVISOR, Address, campaign_address, dialer_address, trunk_address
from actors.campaign.messages import CallEnded
from actors.dialer.messages import Call, CallFinished, CallResult, CampaignReady, PlaceCalls, ResultsSettled
from actors.outcomes import Outcome
from actors.supervision import ChildDown

StartDialer = Callable[[Address, int, Call], "pykka.ActorRef[Any]"]


class Calls(Actor):
    """The parent of all dialers.

    A result is kept until the campaign says that it is in the database, and told again to a campaign that has
    started anew: no death between a call's end and its settlement can lose it. A dialer that dies takes nothing with
    it but what it knew of its call, which then ends as `interrupted`: whether the phone rang is not known, so it is
    never dialed again under the same attempt.
    """

    def __init__(
        self, address: Address, generation: int, surroundings: Surroundings, *, start_dialer: StartDialer
    ) -> None:
        super().__init__(address, generation, SUPERVISOR, surroundings)
        self._start_dialer = start_dialer
        self._in_progress: dict[UUID, Call] = {}
        self._unsettled: dict[UUID, CallResult] = {}

    def receive(self, message: Any) -> Any:
        match message:
            case PlaceCalls():
                for call in message.calls:
                    self._place(call)
            case CallFinished():
                self._finished(message.result)
            case ResultsSettled():
                for call_id in message.call_ids:
                    self._unsettled.pop(call_id, None)
            case CampaignReady():
                for result in list(self._unsettled.values()):
                    if result.call.campaign_id == message.campaign_id:
                        self.tell(campaign_address(message.campaign_id), CallEnded(result))
            case ChildDown():
                self._dialer_down(message)
            case _:
                raise TypeError(f"Calls can't do anything with {message!r}")

    def _place(self, call: Call) -> None:
        if call.call_id in self._in_progress:
            return
        self._in_progress[call.call_id] = call
        address = dialer_address(call.call_id)
        try:
            self._directory.enter(address, self._start_dialer(address, 1, call))
        except RuntimeError as error:  # no thread to be had: the call was never dialed
            self._directory.leave(address)
            self._finished(
                CallResult(call, Outcome.ERROR, self.clock.now(), error=f"could not start a dialer: {error}")
            )

    def _dialer_down(self, down: ChildDown) -> None:
        self._directory.leave(down.address)
        call = self._in_progress.get(UUID(down.address.removeprefix("dialer:")))
        if call is None:
            return
        self.log.error("dialer_died", call=str(call.call_id), campaign=call.campaign, error=down.error)
        self._finished(CallResult(call, Outcome.INTERRUPTED, self.clock.now(), error=f"its dialer died: {down.error}"))

    def _finished(self, result: CallResult) -> None:
        """A call this actor has not heard of is one that it placed before it was started anew."""
        call = result.call
        self._in_progress.pop(call.call_id, None)
        structlog.get_logger().info(
            "call_ended",
            call=str(call.call_id),
            task=str(call.task_id),
            campaign=call.campaign,
            outcome=result.outcome,
            error=result.error,
        )
        self._unsettled[call.call_id] = result
        ended = CallEnded(result)
        self.tell(campaign_address(call.campaign_id), ended)
        self.tell(trunk_address(call.trunk), ended)
