"""Files that were replaced by pipes and devices after they were queued."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from archive.backup.copying import Unreadable, copy_file
from shared.errors import NotARecording
from shared.files import NotRegular, sha256_of
from transcribe_worker.media.recording import open_recording

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes or devices in folders")


def pipe(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.timeout(20)
@pytest.mark.parametrize("replace", [pipe, endless])
def test_a_pipe_or_device_in_the_place_of_a_recording_is_refused_at_once(
    tmp_path: Path, replace: Callable[[Path], None]
) -> None:
    path = tmp_path / "call.wav"
    replace(path)
    with pytest.raises(NotARecording, match="not a regular file"):
        open_recording(path)
    with pytest.raises(NotRegular):
        sha256_of(path)
    with pytest.raises(Unreadable):
        copy_file(path, tmp_path / "copy.wav", lambda _: None)


def test_hashing_stops_when_it_is_asked_to(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    with path.open("wb") as file:
        file.truncate(1 << 40)

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        sha256_of(path, stop)
