"""Recordings: room composite egress, from starting to a file in the recordings directory, or to failing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from livekit.protocol.egress import (
    EgressInfo,
    EgressSourceType,
    EgressStatus,
    EncodedFileOutput,
    EncodedFileType,
    FileInfo,
    RoomCompositeEgressRequest,
)

from .knobs import Board, EgressMode
from .ogg import silence
from .rooms import Room, Rooms
from .timeline import Timeline, new_id
from .twirp import TwirpError, no_response
from .webhooks import Webhooks

_SDK, _WEB = EgressSourceType.EGRESS_SOURCE_TYPE_SDK, EgressSourceType.EGRESS_SOURCE_TYPE_WEB
ENDING_S = 1.0
KEPT_S = 24 * 3600.0
# One that waits, runs or ends; the others have ended.
_UNDER_WAY = (EgressStatus.EGRESS_STARTING, EgressStatus.EGRESS_ACTIVE, EgressStatus.EGRESS_ENDING)


@dataclass(eq=False)
class _Egress:
    info: EgressInfo
    room: Room
    mode: EgressMode
    began: float = 0.0


class Egresses:
    """All recordings of the last 24 hours."""

    def __init__(
        self, timeline: Timeline, board: Board, rooms: Rooms, webhooks: Webhooks, directory: Path | None
    ) -> None:
        self._timeline = timeline
        self._board = board
        self._rooms = rooms
        self._webhooks = webhooks
        self._directory = directory
        self._all: dict[str, _Egress] = {}
        self._by_room: dict[str, list[_Egress]] = {}

    def start(self, request: RoomCompositeEgressRequest) -> EgressInfo:
        """Record a room until it closes or somebody stops it. Raises not_found, or unavailable when knobs say so."""
        room = self._rooms.get(request.room_name)
        mode = self._board.knobs.egress
        if mode == "refused":
            raise no_response()
        outputs = list(request.file_outputs) or ([request.file] if request.HasField("file") else [])
        if not outputs:
            raise TwirpError("invalid_argument", "request has missing or invalid field: output")
        info = EgressInfo(
            egress_id=new_id("EG_"),
            room_id=room.info.sid,
            room_name=room.name,
            source_type=_SDK if request.audio_only else _WEB,
            status=EgressStatus.EGRESS_STARTING,
            updated_at=self._timeline.nanoseconds(),
            room_composite=request,
        )
        egress = _Egress(info, room, mode)
        self._all[info.egress_id] = egress
        self._by_room.setdefault(room.name, []).append(egress)
        self._webhooks.egress("egress_started", info)
        self._timeline.later(self._board.knobs.egress_start_s, lambda: self._activate(egress))
        return info

    def list(self, room_name: str, egress_id: str, active: bool) -> list[EgressInfo]:
        """One egress by its id (raises not_found), or a room's, or all; `active`: only those that have not ended."""
        if egress_id:
            return [self._get(egress_id).info]
        found: Iterable[_Egress] = self._by_room.get(room_name, []) if room_name else self._all.values()
        return [e.info for e in found if not active or e.info.status in _UNDER_WAY]

    def stop(self, egress_id: str) -> EgressInfo:
        """Stop recording: aborted when it was not active yet. Raises not_found, failed_precondition."""
        egress = self._get(egress_id)
        if egress.info.status not in (EgressStatus.EGRESS_STARTING, EgressStatus.EGRESS_ACTIVE):
            status = EgressStatus.Name(egress.info.status)
            message = f"egress with status {status} cannot be stopped"
            raise TwirpError("failed_precondition", message, rpc=False)
        self._wind_up(egress)
        return egress.info

    def room_closed(self, room: Room) -> None:
        """Whatever records that room ends."""
        for egress in self._by_room.get(room.name, []):
            if egress.room is room and egress.info.status in _UNDER_WAY:
                self._wind_up(egress)

    def counts(self) -> dict[str, int]:
        """How many there are of each status."""
        return dict(Counter(EgressStatus.Name(e.info.status) for e in self._all.values()))

    def _get(self, egress_id: str) -> _Egress:
        try:
            return self._all[egress_id]
        except KeyError:
            raise TwirpError("not_found", "egress does not exist") from None

    def _activate(self, egress: _Egress) -> None:
        if egress.info.status != EgressStatus.EGRESS_STARTING:
            return
        if egress.mode == "aborted":
            self._end(egress, EgressStatus.EGRESS_ABORTED, "Start signal not received")
            return
        egress.began = self._timeline.elapsed()
        egress.info.started_at = self._timeline.nanoseconds()
        egress.room.info.active_recording = True
        self._update(egress, EgressStatus.EGRESS_ACTIVE)

    def _wind_up(self, egress: _Egress) -> None:
        if egress.info.status == EgressStatus.EGRESS_STARTING:
            self._end(egress, EgressStatus.EGRESS_ABORTED, "Stopped before started")
        elif egress.info.status == EgressStatus.EGRESS_ACTIVE and egress.mode != "stuck":
            self._update(egress, EgressStatus.EGRESS_ENDING)
            lasted_s = self._timeline.elapsed() - egress.began
            self._timeline.later(ENDING_S, lambda: self._finish(egress, lasted_s))

    def _finish(self, egress: _Egress, lasted_s: float) -> None:
        if egress.mode == "failed":
            self._end(egress, EgressStatus.EGRESS_FAILED, "upload failed: storage unavailable")
            return
        request = egress.info.room_composite
        try:
            for output in list(request.file_outputs) or [request.file]:
                egress.info.file_results.append(self._write(egress, output, lasted_s))
        except OSError as error:
            self._end(egress, EgressStatus.EGRESS_FAILED, f"upload failed: {error}")
            return
        egress.info.file.CopyFrom(egress.info.file_results[0])
        full = egress.mode == "limit_reached"
        self._end(egress, EgressStatus.EGRESS_LIMIT_REACHED if full else EgressStatus.EGRESS_COMPLETE)

    def _write(self, egress: _Egress, output: EncodedFileOutput, lasted_s: float) -> FileInfo:
        name = _file_name(egress, output)
        content = silence(lasted_s, egress.room.name)
        location = _location(output, name)
        if self._directory is not None:
            path = _inside(self._directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            location = location or str(path)
        return FileInfo(
            filename=name,
            started_at=egress.info.started_at,
            ended_at=self._timeline.nanoseconds(),
            duration=round(lasted_s * 1e9),
            size=len(content),
            location=location or name,
        )

    def _end(self, egress: _Egress, status: int, error: str = "") -> None:
        egress.info.ended_at = self._timeline.nanoseconds()
        egress.info.error = error
        egress.info.status = status  # type: ignore[assignment]
        egress.info.updated_at = egress.info.ended_at
        egress.room.info.active_recording = False
        self._webhooks.egress("egress_ended", egress.info)
        self._timeline.later(KEPT_S, lambda: self._forget(egress))

    def _update(self, egress: _Egress, status: int) -> None:
        egress.info.status = status  # type: ignore[assignment]
        egress.info.updated_at = self._timeline.nanoseconds()
        self._webhooks.egress("egress_updated", egress.info)

    def _forget(self, egress: _Egress) -> None:
        self._all.pop(egress.info.egress_id)
        siblings = self._by_room[egress.room.name]
        siblings.remove(egress)
        if not siblings:
            del self._by_room[egress.room.name]


def _file_name(egress: _Egress, output: EncodedFileOutput) -> str:
    suffix = ".mp3" if output.file_type == EncodedFileType.MP3 else ".ogg"
    name = output.filepath or "{room_name}-{time}"
    name = name.replace("{room_name}", egress.room.name).replace("{room_id}", egress.room.info.sid)
    name = name.replace("{time}", str(egress.info.started_at // 1_000_000_000))
    return name if name.endswith(suffix) else name + suffix


def _location(output: EncodedFileOutput, name: str) -> str:
    if output.HasField("s3"):
        return f"https://{output.s3.bucket}.s3.amazonaws.com/{name}"
    if output.HasField("gcp"):
        return f"https://{output.gcp.bucket}.storage.googleapis.com/{name}"
    if output.HasField("azure"):
        return f"https://{output.azure.account_name}.blob.core.windows.net/{output.azure.container_name}/{name}"
    return ""


def _inside(directory: Path, name: str) -> Path:
    """Where a file of that name goes; an absolute name that already lies in the directory stays as it is."""
    directory = directory.resolve()
    path = Path(name)
    if not path.is_relative_to(directory):
        path = directory / name.lstrip("/")
    if not path.resolve().is_relative_to(directory):
        raise PermissionError(f"{name} is outside the recordings directory")
    return path
