"""A file in the library that was edited is left as it is."""

from __future__ import annotations

from pathlib import Path

from shared.files import sha256_of
from transcribe_worker.inbox.growth import _begins_with


def test_an_edited_file_is_not_a_grown_one(tmp_path: Path):
    path = tmp_path / "call.mp3"
    path.write_bytes(b"sound")
    sha256 = sha256_of(path)
    path.write_bytes(b"sound and more")
    assert _begins_with(path, 5, sha256)
    path.write_bytes(b"a tag, sound")
    assert not _begins_with(path, 5, sha256)
