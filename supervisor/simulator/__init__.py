"""A simulated LiveKit server: real HTTP, real protobuf, real tokens and webhooks; only the telephone is made up.

Imported by the command `simulate-livekit`, by the demo and by tests; imports nothing else of ours, so that what passes
against it owes nothing to shared code. What a number does is in `behaviours`, what can be turned while it runs in
`knobs`. Modelled on the sources of livekit/livekit, livekit/sip and livekit/protocol of August 2026.
"""

from .behaviours import BUSY, Answer, Behaviour, Fail, NoAnswer, Refuse, Script, Silence, usual_behaviour
from .knobs import Knobs, Outage
from .rings import Ring
from .server import API_KEY, API_SECRET, Simulator
from .thread import SimulatorThread

__all__ = [
    "API_KEY",
    "API_SECRET",
    "BUSY",
    "Answer",
    "Behaviour",
    "Fail",
    "Knobs",
    "NoAnswer",
    "Outage",
    "Refuse",
    "Ring",
    "Script",
    "Silence",
    "Simulator",
    "SimulatorThread",
    "usual_behaviour",
]
