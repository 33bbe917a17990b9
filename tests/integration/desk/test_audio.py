"""The audio of a record, by its number, in ranges, as browsers ask for it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from shared.store.store import Store
from tests.desk import DeskServer
from tests.integration.desk.sounds import added, beep
from tests.recordings import fmt, pcm, wav

posix_only = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "Zoë & Max.wav"
    path.write_bytes(wav(fmt(), pcm(beep(16_000))))
    return path


@pytest.fixture
def url(desk_store: Store, recording: Path) -> str:
    return f"/api/v1/records/{added(desk_store, recording).id}/audio"


def test_the_whole_recording_comes_with_its_type_and_a_safe_name(
    client: httpx.Client, url: str, recording: Path
) -> None:
    found = client.get(url)
    assert (found.status_code, found.content) == (200, recording.read_bytes())
    assert found.headers["content-type"] == "audio/wav"
    assert found.headers["content-disposition"] == "inline; filename*=UTF-8''Zo%C3%AB%20%26%20Max.wav"
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize(
    ("header", "first", "end"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-10", -10, None), ("bytes=7-7", 7, 8)],
)
def test_a_range_comes_alone(
    client: httpx.Client, url: str, recording: Path, header: str, first: int, end: int | None
) -> None:
    content = recording.read_bytes()
    found = client.get(url, headers={"Range": header})
    assert (found.status_code, found.content) == (206, content[first:end])
    at = first % len(content)
    assert found.headers["content-range"] == f"bytes {at}-{at + len(found.content) - 1}/{len(content)}"


def test_a_range_after_the_end_is_refused_with_the_size(
    client: httpx.Client, url: str, recording: Path
) -> None:
    size_bytes = recording.stat().st_size
    found = client.get(url, headers={"Range": f"bytes={size_bytes}-"})
    assert (found.status_code, found.content) == (416, b"")
    assert found.headers["content-range"] == f"bytes */{size_bytes}"


def test_head_says_what_get_would(client: httpx.Client, url: str, recording: Path) -> None:
    found = client.head(url)
    assert (found.status_code, found.content) == (200, b"")
    assert found.headers["content-length"] == str(recording.stat().st_size)


def test_a_range_of_another_file_than_the_browser_has_begun_is_the_whole_new_one(
    client: httpx.Client, url: str, recording: Path
) -> None:
    tag = client.head(url).headers["etag"]
    given = {"Range": "bytes=0-99", "If-Range": tag}
    assert client.get(url, headers=given).status_code == 206
    recording.write_bytes(wav(fmt(), pcm(beep(16_000, 5.0, 1.0))))
    assert client.get(url, headers=given).status_code == 200


@posix_only
@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "nothing"])
def test_what_is_no_regular_file_is_refused(
    client: httpx.Client, url: str, recording: Path, kind: str, tmp_path: Path
) -> None:
    recording.rename(tmp_path / "elsewhere")
    make = {
        "link": lambda: recording.symlink_to(tmp_path / "elsewhere"),
        "pipe": lambda: os.mkfifo(recording),
        "folder": recording.mkdir,
        "nothing": lambda: None,
    }
    make[kind]()
    found = client.get(url)
    assert (found.status_code, found.json()["error"]["code"]) == (404, "recording_missing")


def test_a_document_in_place_of_a_recording_is_never_sent(
    client: httpx.Client, url: str, recording: Path
) -> None:
    recording.write_bytes(b"<!doctype html><script>alert(1)</script>")
    found = client.get(url)
    assert (found.status_code, found.json()["error"]["code"]) == (409, "playback_not_ready")


def test_a_call_that_is_being_recorded_is_not_played(
    client: httpx.Client, desk_store: Store, recording: Path
) -> None:
    part = recording.rename(recording.with_suffix(".part"))
    record = added(desk_store, part)
    found = client.get(f"/api/v1/records/{record.id}/audio")
    assert (found.status_code, found.json()["error"]["code"]) == (409, "state_conflict")


def test_a_recording_that_moves_into_the_library_while_it_is_played_plays_on(
    client: httpx.Client, desk: DeskServer, desk_store: Store, url: str, recording: Path
) -> None:
    content = wav(fmt(), os.urandom(8_000_000))  # more than a connection holds
    recording.write_bytes(content)
    with client.stream("GET", url) as found:
        pieces = found.iter_raw(65_536)
        heard = next(pieces)
        stem = desk_store.places.reserve_stem(int(url.split("/")[-2]), iter(["2026/11/moved"]))
        moved = (desk.stage.home / "library" / stem).with_suffix(".wav")
        moved.parent.mkdir(parents=True)
        recording.rename(moved)
        assert heard + b"".join(pieces) == content


def test_a_recording_that_is_deleted_while_it_is_played_ends(
    client: httpx.Client, url: str, recording: Path
) -> None:
    recording.write_bytes(wav(fmt(), os.urandom(30_000_000)))
    with client.stream("GET", url) as found:
        pieces = found.iter_raw(65_536)
        next(pieces)
        recording.unlink()
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)
    assert client.get(url).status_code == 404


@posix_only
def test_no_file_is_open_while_the_browser_takes_its_time(
    client: httpx.Client, desk: DeskServer, url: str, recording: Path
) -> None:
    recording.write_bytes(wav(fmt(), os.urandom(30_000_000)))
    with client.stream("GET", url) as found:
        next(found.iter_raw(65_536))
        assert desk.process
        handles = Path(f"/proc/{desk.process.pid}/fd")
        if not handles.exists():
            pytest.skip("this system does not show open files")
        assert recording not in list(files_of(handles))


def files_of(handles: Path) -> Iterator[Path]:
    """Yield the files that a process has open; it may close some meanwhile."""
    for each in handles.iterdir():
        with suppress(FileNotFoundError):
            yield each.readlink()


def test_seeking_in_a_large_file_reads_only_what_is_asked_for(
    client: httpx.Client, url: str, recording: Path
) -> None:
    head = wav(fmt(), b"", size=900_000_000)
    with recording.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + 900_000_000)
    found = client.get(url, headers={"Range": "bytes=899999990-900000009"})
    assert (found.status_code, len(found.content)) == (206, 20)


def test_audio_needs_a_visitor_who_is_known(desk: DeskServer, url: str) -> None:
    assert httpx.get(f"{desk.url}{url}").status_code == 401
