"""What there is already of the sound of a running call, as a WAV of a length that stays as it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from archive.library import safe_name
from offhook.desk.desk import Desk
from shared.errors import OffhookError, RecordingMissing
from shared.files import open_regular
from shared.home import part_of
from shared.recording_wav import HEADER_BYTES, RATE_HZ, RF64_FROM_BYTES, SAMPLE_BYTES, Header, header
from shared.store.values import Capture

#: Browsers play no RF64: of a longer call its beginning, 18 hours of two channels.
MOST_BYTES = RF64_FROM_BYTES - HEADER_BYTES - 1


class RunningSound:
    """The beginning of a recording that grows: what its header promised when this was made.

    These bytes of the recording never change, but for its header, which is written anew here. The file is
    open only while a block is read, and can be renamed meanwhile.
    """

    mime = "audio/wav"

    def __init__(self, desk: Desk, capture: Capture, until_ms: int | None = None) -> None:
        """Raises RecordingMissing, BadRecording."""
        self._paths = tuple(_paths(desk, capture))
        with _opened(self._paths) as file:
            channels, data_bytes = _promised(file, capture.title)
        self._frame_bytes = channels * SAMPLE_BYTES
        wanted = MOST_BYTES if until_ms is None else until_ms * RATE_HZ // 1000 * self._frame_bytes
        data_bytes = min(data_bytes, wanted, MOST_BYTES) // self._frame_bytes * self._frame_bytes
        self._header = header(channels, data_bytes)
        self.name = f"{safe_name(capture.title)}.wav"
        self.size_bytes = HEADER_BYTES + data_bytes
        self.tag = f'"{capture.session_id}-{data_bytes:x}"'

    @property
    def ms(self) -> int:
        """Its length."""
        return (self.size_bytes - HEADER_BYTES) * 1000 // (self._frame_bytes * RATE_HZ)

    def block(self, offset: int, most_bytes: int) -> bytes:
        """Read a block. Raises RecordingMissing."""
        end = min(offset + most_bytes, self.size_bytes)
        found = self._header[offset:end]
        if end <= HEADER_BYTES:
            return found
        with _opened(self._paths) as file:
            file.seek(max(offset, HEADER_BYTES))
            return found + file.read(end - max(offset, HEADER_BYTES))


def sound_ms(desk: Desk, capture: Capture) -> int:
    """Return how much of a call can be played, 0 if nothing can."""
    try:
        return RunningSound(desk, capture).ms
    except (OffhookError, OSError):
        return 0


def _paths(desk: Desk, capture: Capture) -> Iterator[Path]:
    """Yield where the recording is: while it grows, and when it is finished."""
    yield part_of(desk.settings.recording, capture.session_id)
    yield Path(capture.recording_path)


def _opened(paths: tuple[Path, ...]) -> BinaryIO:
    for path in paths:
        try:
            return open_regular(path, follow_links=False, keep_movable=True)
        except (OSError, ValueError):
            continue
    raise RecordingMissing


def _promised(file: BinaryIO, name: str) -> tuple[int, int]:
    """Return the channels, and the bytes of audio that are there for sure. Raises BadRecording."""
    found = Header.read(file.read(HEADER_BYTES), name)
    if found.data_bytes is None:  # it is being written at this moment
        file.seek(0)
        found = Header.read(file.read(HEADER_BYTES), name)
    there = max(0, os.fstat(file.fileno()).st_size - HEADER_BYTES)
    return found.channels, min(found.data_bytes or 0, there)
