"""Where recordings lie. Every name is made of ids: what a message says of a file is only ever compared."""

from __future__ import annotations

import posixpath
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

_UNFINISHED = "unfinished"


def source_name(call_id: UUID) -> str:
    """Under the source: what LiveKit writes."""
    return f"{call_id}.ogg"


def stored_name(company_id: UUID, call_id: UUID) -> str:
    """Under the store: the recording, once whole."""
    return f"{company_id}/{call_id}.ogg"


def transcript_name(company_id: UUID, call_id: UUID) -> str:
    """Under the store: the recording's transcript, once whole."""
    return f"{company_id}/{call_id}.json"


def growing_folder(call_id: UUID) -> str:
    """Under the store: where the recording is while it is fetched."""
    return f"{_UNFINISHED}/{call_id}"


def growing_transcript_folder(call_id: UUID) -> str:
    """Under the store: where the transcript is while it is written."""
    return f"{_UNFINISHED}/{call_id}-transcript"


def egress_path(source: str, call_id: UUID) -> str:
    """What LiveKit is told to call the file: an absolute path in a folder, a key in a bucket."""
    return posixpath.join(_folder(source), source_name(call_id))


def refusal(source: str, call_id: UUID, filename: str, location: str) -> str | None:
    """Why a file that LiveKit says it has written is not fetched: it is not where it was to write it. None: it is.

    `filename` is the path LiveKit was given, `location` a path or an address; either may be empty.
    """
    expected = egress_path(source, call_id)
    if filename and filename.lstrip("/") != expected.lstrip("/"):
        return f"{filename!r} is not the file that was asked for"
    if location and not _is_at(source, expected, location):
        return f"{location!r} is not in {source}"
    return None


def _is_at(source: str, expected: str, location: str) -> bool:
    parts = urlsplit(source)
    if parts.scheme == "file":
        path = unquote(urlsplit(location).path) if location.startswith("file://") else location
        return path == expected
    try:
        said = urlsplit(location)
    except ValueError:
        return False
    path = unquote(said.path).lstrip("/")
    host = said.hostname or ""
    bucket, key = parts.netloc, expected.lstrip("/")
    if not said.scheme:
        return path in (key, f"{bucket}/{key}")
    if said.scheme == parts.scheme:
        return host == bucket.lower() and path == key
    # https://BUCKET.s3.amazonaws.com/KEY, or https://s3.amazonaws.com/BUCKET/KEY; one's own may have no https
    return said.scheme == dict(parse_qsl(parts.query)).get("scheme", "https") and (
        (host.startswith(f"{bucket.lower()}.") and path == key) or path == f"{bucket}/{key}"
    )


def _folder(source: str) -> str:
    parts = urlsplit(source)
    path = unquote(parts.path)
    return path.rstrip("/") if parts.scheme == "file" else path.strip("/")
