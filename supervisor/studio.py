"""What recordings are made and kept with, as the configuration says."""

from __future__ import annotations

from dataclasses import dataclass

from actors.addresses import Directory
from actors.recording.gateway import EgressGateway
from actors.recording.rules import Rules
from actors.recording.storage import Storage, opener
from actors.recording.transcription import WHISPER, Transcription
from actors.recording.workers import Workers
from supervisor.config.load import Snapshot
from supervisor.config.rules import recording_rules
from supervisor.tree.loop import LoopThread

_WITHIN_S = 10.0
_STOP_WITHIN_S = 5.0


@dataclass(frozen=True)
class Studio:
    """Everything that the recordings' actor works with, and that outlives it."""

    gateway: EgressGateway
    workers: Workers
    storage: Storage
    transcription: Transcription | None
    source: str
    rules: Rules

    def close(self, loop: LoopThread) -> None:
        """To be called once, after the actors: break off what is under way, which the next start does again."""
        if self.transcription is not None:
            self.transcription.stop()
        self.workers.stop(_STOP_WITHIN_S)
        loop.run(self.gateway.close(), _WITHIN_S)


def open_studio(snapshot: Snapshot, loop: LoopThread, directory: Directory, key: str, secret: str) -> Studio:
    """Opens nothing but LiveKit's client: storage is not reached before there is something to fetch."""
    settings, source = snapshot.service.recordings, snapshot.recordings_source
    gateway = EgressGateway(loop, directory, snapshot.service.livekit.url, key, secret, source)
    loop.run(gateway.open(), _WITHIN_S)
    storage = Storage(opener(source), opener(snapshot.recordings_store))
    transcription = None
    if settings.transcriber != "none":
        name = WHISPER if settings.transcriber == "whisper" else settings.transcriber
        transcription = Transcription(storage, name, settings.model or "")
    return Studio(gateway, Workers(directory), storage, transcription, source, recording_rules(settings))
