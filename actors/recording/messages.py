"""What the recordings' actor is told: by LiveKit's gateway and webhooks, and by its own workers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


@dataclass(frozen=True)
class Recording:
    """A recording, and whose it is."""

    recording_id: UUID
    call_id: UUID
    company_id: UUID
    campaign_id: UUID

    @property
    def ids(self) -> dict[str, str]:
        """All of them, as logs name them."""
        return {
            "recording": str(self.recording_id),
            "call": str(self.call_id),
            "company": str(self.company_id),
            "campaign": str(self.campaign_id),
        }


class EgressState(StrEnum):
    """How far LiveKit is with a recording."""

    UNDER_WAY = "under_way"
    COMPLETE = "complete"  # there is a file
    FAILED = "failed"  # there is none, and there will be none


@dataclass(frozen=True)
class Egress:
    """LiveKit's recording of one call's room, as it describes it."""

    call_id: UUID
    egress_id: str
    state: EgressState
    error: str | None = None  # why it failed
    filename: str = ""
    location: str = ""
    bytes: int | None = None
    duration_s: float | None = None


# From a dialer


@dataclass(frozen=True)
class RecordingWanted:
    """A call was answered whose campaign has its calls recorded; the row that expects the recording is there."""

    call_id: UUID


# From the gateway and from webhooks


@dataclass(frozen=True)
class EgressStarted:
    """The call's room is being recorded."""

    call_id: UUID
    egress_id: str


@dataclass(frozen=True)
class EgressNotStarted:
    """LiveKit could not be brought to record the call, so far."""

    call_id: UUID
    error: str
    room_gone: bool  # and never will: the call is over


@dataclass(frozen=True)
class EgressEnded:
    """From a webhook: a recording is complete, or has failed."""

    egress: Egress


@dataclass(frozen=True)
class EgressFound:
    """What LiveKit answered when it was asked for the recording of a call; None: it knows of none."""

    call_id: UUID
    egress: Egress | None


@dataclass(frozen=True)
class EgressLookFailed:
    """LiveKit could not be asked."""

    call_id: UUID
    error: str


@dataclass(frozen=True)
class GatewayBroken:
    """The gateway has a bug: nothing is known of what was asked of it."""

    error: str


# From its workers


@dataclass(frozen=True)
class Downloaded:
    """The recording is whole, under its final name."""

    recording: Recording
    asked_at: datetime
    file: str  # under the store
    bytes: int
    sha256: str
    seconds: float  # that it took
    fetched: bool  # False: it was there already, from a download whose end was not written


@dataclass(frozen=True)
class DownloadFailed:
    """Nothing appeared under the final name."""

    recording: Recording
    asked_at: datetime
    attempt: int
    error: str
    seconds: float  # that it took
    storage_failed: bool  # the storage's fault, not this recording's
    interrupted: bool = False  # the process is about to stop


@dataclass(frozen=True)
class Transcribed:
    """The transcript is whole, under its final name."""

    recording: Recording
    file: str  # under the store


@dataclass(frozen=True)
class TranscriptionFailed:
    """There is no transcript."""

    recording: Recording
    attempt: int
    error: str
    counts: bool  # False: the storage's fault, or nobody's


@dataclass(frozen=True)
class FilesDeleted:
    """Nothing of these calls is in the store or the source any more; of the others files may be left."""

    deleted: tuple[UUID, ...]
    left: tuple[UUID, ...]
    error: str | None


@dataclass(frozen=True)
class SourceDeleted:
    """The source's copy of a recording that is stored is gone; or why not."""

    recording: Recording
    error: str | None  # None: it is gone


@dataclass(frozen=True)
class WorkerFailed:
    """A worker has a bug: nothing is known of what it was to do."""

    error: str
