"""A running call for programs: its state, its words from a moment on, their stream, and its sound so far."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from offhook.web.api.live import EarlierText, LiveAnswer
from shared.recording_wav import header
from shared.store.access import READ, TOKEN
from shared.store.store import Store
from tests.desk import DeskServer
from tests.running_calls import RATE_HZ, RunningCall, running_call

NOBODY = "5d4a44a2-0000-4000-8000-000000000000"


@pytest.fixture
def call(desk: DeskServer, desk_store: Store) -> Iterator[RunningCall]:
    with running_call(desk.stage.home, desk_store) as call:
        call.record(4)
        yield call


@pytest.fixture
def reader(desk: DeskServer, desk_store: Store) -> Iterator[httpx.Client]:
    """A program whose token may only read."""
    token = desk_store.access.add(TOKEN, READ)
    with httpx.Client(base_url=desk.url, headers={"Authorization": f"Bearer {token}"}) as client:
        yield client


def events(client: httpx.Client, path: str, count: int) -> list[tuple[str, dict[str, Any]]]:
    """The first events of a stream."""
    found: list[tuple[str, dict[str, Any]]] = []
    kind = ""
    with client.stream("GET", path) as answer:
        for line in answer.iter_lines():
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((kind, json.loads(line.removeprefix("data: "))))
            if len(found) == count:
                break
    return found


def test_a_program_reads_state_and_words_from_a_moment_on(reader: httpx.Client, call: RunningCall):
    at = f"/api/v1/calls/{call.session_id}/live"
    before = msgspec.convert(reader.get(at).json(), LiveAnswer)
    assert (before.call.state, before.call.live, before.call.sound_ms) == ("recording", None, 4000)
    assert before.call.says == "Text begins soon: a worker loads its model."
    call.follow()
    call.say("Good morning.")
    call.say("Hello.", "them")
    call.guess("how are")
    answer = reader.get(at, params={"from_ms": 2000})
    assert answer.headers["cache-control"] == "no-store"
    found = msgspec.convert(answer.json(), LiveAnswer)
    assert found.final == [(2000, 4000, " Hello.", "them")]
    assert [text for _, _, text, _ in found.provisional] == [" how", " are"]
    assert found.call.live
    assert (found.call.live.state, found.call.live.final_seconds) == ("following", 4.0)
    assert found.call.names == {"me": "Me", "them": "With Joe"}


def test_the_stream_goes_on_after_the_last_window_that_was_seen(reader: httpx.Client, call: RunningCall):
    call.follow()
    call.say("One.")
    at = f"/api/v1/calls/{call.session_id}/live/events"
    (first, state), (second, text) = events(reader, at, 2)
    assert (first, second) == ("call", "text")
    assert (text["is_whole"], [it[2] for it in text["final"]]) == (True, [" One."])
    assert state["says"] == "Text follows the call by about 3 seconds."
    call.say("Two.", "them")
    later = events(reader, f"{at}?after={text['last']}", 2)[1][1]
    assert (later["is_whole"], [it[2] for it in later["final"]]) == (False, [" Two."])
    other = events(reader, f"{at}?after=999999", 2)[1][1]
    assert (other["is_whole"], len(other["final"])) == (True, 2)


def test_earlier_words_come_in_parts(reader: httpx.Client, call: RunningCall):
    call.follow()
    for number in range(90):
        call.say(f"w{number}")
    at = f"/api/v1/calls/{call.session_id}/live"
    text = events(reader, f"{at}/events", 2)[1][1]
    said = [it[2] for it in text["final"]]
    earlier = text["earlier"]
    while earlier is not None:
        part = msgspec.convert(reader.get(f"{at}/earlier", params={"before": earlier}).json(), EarlierText)
        said = [it[2] for it in part.final] + said
        earlier = part.earlier
    assert said == [f" w{number}" for number in range(90)]


def test_the_sound_so_far_is_a_wav_whose_length_stays(reader: httpx.Client, call: RunningCall):
    at = f"/api/v1/calls/{call.session_id}/audio?until_ms=2500"
    whole = reader.get(at)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
    assert whole.headers["cache-control"] == "no-store"
    call.record(2)
    assert reader.get(at).content == whole.content
    with wave.open(io.BytesIO(whole.content)) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels()) == (2.5 * RATE_HZ, RATE_HZ, 1)
    part = reader.get(at, headers={"Range": "bytes=70-1000"})
    assert (part.status_code, part.content) == (206, whole.content[70:1001])
    assert part.headers["content-range"] == f"bytes 70-1000/{len(whole.content)}"
    assert reader.get(at, headers={"Range": "bytes=999999999-"}).status_code == 416
    all_of_it = reader.get(f"/api/v1/calls/{call.session_id}/audio")
    assert len(all_of_it.content) == 80 + 6 * 2 * RATE_HZ


def test_only_what_the_header_promises_is_played(reader: httpx.Client, call: RunningCall):
    with call.wav.path.open("ab") as file:
        file.write(b"\x07" * 2 * RATE_HZ)  # written, not synced
    found = reader.get(f"/api/v1/calls/{call.session_id}/audio").content
    assert len(found) == 80 + 4 * 2 * RATE_HZ


def test_a_recording_beyond_what_browsers_play_is_cut_off_there(reader: httpx.Client, call: RunningCall):
    with call.wav.path.open("r+b") as file:
        file.write(header(1, 5 * 2**30))
        file.truncate(80 + 5 * 2**30)  # without content
    at = f"/api/v1/calls/{call.session_id}/audio"
    found = reader.get(at, headers={"Range": "bytes=0-81"})
    size_bytes = int(found.headers["content-range"].rpartition("/")[2])
    assert found.content[:4] == b"RIFF"
    assert int.from_bytes(found.content[4:8], "little") == size_bytes - 8 < 2**32
    assert reader.get(at, headers={"Range": "bytes=-2"}).content == bytes(2)


def test_a_finished_recording_is_played_on_and_one_that_is_gone_is_missing(
    reader: httpx.Client, call: RunningCall, desk_store: Store
):
    at = f"/api/v1/calls/{call.session_id}/audio?until_ms=2000"
    before = reader.get(at).content
    call.hang_up()
    assert reader.get(at).content == before
    path = desk_store.captures.get(call.session_id).recording_path
    call.wav.path.symlink_to("/etc/passwd")
    assert reader.get(at).content == before
    call.wav.path.unlink()
    Path(path).unlink()
    assert reader.get(at).json()["error"]["code"] == "recording_missing"


@pytest.mark.parametrize("rest", ["live", "live/earlier?before=1", "live/events", "audio"])
def test_an_unknown_call_is_not_found(reader: httpx.Client, rest: str):
    for name in (NOBODY, "..", "%2e%2e%2fx"):
        assert reader.get(f"/api/v1/calls/{name}/{rest}").status_code == 404
