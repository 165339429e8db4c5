"""A recording to fetch: silence as a valid Ogg Opus file."""

from __future__ import annotations

import struct
import zlib

_FRAME_S = 0.02
_SILENT_FRAME = b"\xf8\xff\xfe"
_SAMPLES_PER_FRAME = 960
_FRAMES_PER_PAGE = 250
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def silence(seconds: float, title: str) -> bytes:
    """So many seconds of silence, mono, about 200 bytes for each, with a title."""
    vendor, comment = b"campaignd simulator", b"TITLE=" + title.encode()
    head = b"OpusHead" + struct.pack("<BBHIHB", 1, 1, 0, 48_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor
    tags += struct.pack("<II", 1, len(comment)) + comment
    pages = [_page([head], 0, 0, flags=2), _page([tags], 1, 0)]
    frames = max(1, round(seconds / _FRAME_S))
    for start in range(0, frames, _FRAMES_PER_PAGE):
        end = min(start + _FRAMES_PER_PAGE, frames)
        packets = [_SILENT_FRAME] * (end - start)
        pages.append(_page(packets, len(pages), end * _SAMPLES_PER_FRAME, flags=4 if end == frames else 0))
    return b"".join(pages)


def _page(packets: list[bytes], sequence: int, position: int, flags: int = 0) -> bytes:
    lacing = b"".join(b"\xff" * (len(p) // 255) + bytes((len(p) % 255,)) for p in packets)
    header = struct.pack("<4sBBqIII", b"OggS", 0, flags, position, 1, sequence, 0) + bytes((len(lacing),)) + lacing
    page = header + b"".join(packets)
    return page[:22] + struct.pack("<I", _crc(page)) + page[26:]


def _crc(data: bytes) -> int:
    """Ogg's checksum: CRC-32 with the bits the other way round, starting from 0. zlib's does it, mirrored."""
    mirrored = zlib.crc32(data.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
