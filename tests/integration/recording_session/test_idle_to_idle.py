"""A recording session from idle to idle: WAVs in the place of devices, in real time, with a real database."""

from __future__ import annotations

import json
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from capture_worker import RecordingSession
from shared import home as folders
from shared.files import sha256_of
from shared.loudness import SideLevels, dbfs, echo_of
from shared.settings import Settings
from shared.store.captures import QUEUED
from shared.store.store import Store
from tests.integration.recording_session.desk import RATE_HZ, Desk, Make, Samples, found_in, only_record, read
from tests.tables import Capture, Record, use


@dataclass(frozen=True)
class Recorded:
    """A finished recording, and all that is known of it."""

    before: dict[str, Any]
    running: dict[str, Any]
    after: dict[str, Any]
    outcome: dict[str, Any]
    events: list[dict[str, Any]]
    record: dict[str, Any]
    capture: dict[str, Any]
    loudness: SideLevels
    audio: Samples  # (frames, channels)

    @property
    def path(self) -> Path:
        return Path(self.record["recording_path"])


def recorded(folder: Path, devices: dict[str, str], layout: str) -> Recorded:
    """Record two seconds in a home of its own."""
    settings = Settings(home=folder / "home", layout=layout, **devices)
    folders.prepare(settings)
    store = use(Store.open(settings.database_file))
    events: list[dict[str, Any]] = []
    with RecordingSession(settings, store=store, on_event=events.append) as session:
        before = session.get_state()
        session.start(title="Ms. Okafor", candidate_id="c-7", project_id="p-3")
        time.sleep(2.0)
        running = session.get_state()
        outcome = session.stop()
        after = session.get_state()
    (record,), (capture,) = Record.select().dicts(), Capture.select().dicts()
    loudness = store.captures.levels(record["session_id"])
    assert loudness
    store.disconnect()
    audio = read(record["recording_path"])
    return Recorded(before, running, after, outcome, events, record, capture, loudness, audio)


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory, devices: dict[str, str]) -> Recorded:
    """A call, recorded once for the tests that only look at it."""
    return recorded(tmp_path_factory.mktemp("mono"), devices, "mono")


@pytest.fixture(scope="module")
def split_call(tmp_path_factory: pytest.TempPathFactory, devices: dict[str, str]) -> Recorded:
    """The same with a channel for each side."""
    return recorded(tmp_path_factory.mktemp("split"), devices, "split")


def test_a_call_goes_from_idle_over_recording_back_to_idle(call: Recorded) -> None:
    assert [state["state"] for state in (call.before, call.running, call.after)] == [
        "idle",
        "recording",
        "idle",
    ]
    said = [event["state"] for event in call.events if event["type"] == "state"]
    assert said == ["recording", "idle"]


def test_an_idle_session_has_nothing_to_tell(call: Recorded) -> None:
    assert call.before == {
        "state": "idle",
        "session_id": None,
        "title": None,
        "candidate_id": None,
        "project_id": None,
        "started_at": None,
        "duration_seconds": 0.0,
        "microphone": None,
        "loopback": None,
        "warnings": [],
        "last": None,
        "live": None,
    }


def test_the_state_of_a_running_recording_says_whose_it_is_how_long_it_is_and_what_is_heard(
    call: Recorded, devices: dict[str, str]
) -> None:
    running = call.running
    assert (running["title"], running["candidate_id"], running["project_id"]) == ("Ms. Okafor", "c-7", "p-3")
    assert running["session_id"] == str(uuid.UUID(running["session_id"]))
    assert 1.9 < running["duration_seconds"] < 3.0
    assert {side: running[side] for side in devices} == devices
    assert running["started_at"].endswith("+00:00")
    json.dumps(running)


def test_the_state_after_a_recording_says_what_became_of_it(call: Recorded) -> None:
    assert call.after["last"] == call.outcome
    assert call.after["session_id"] is None
    outcome = call.outcome
    assert (outcome["title"], outcome["reason"], outcome["error"]) == ("Ms. Okafor", "asked", None)
    assert outcome["session_id"] == call.running["session_id"]
    assert (outcome["record_id"], outcome["recording_path"]) == (
        call.record["id"],
        call.record["recording_path"],
    )


def test_the_record_is_queued_with_everything_that_is_known_of_the_call(call: Recorded) -> None:
    record = call.record
    assert (record["transcription_status"], record["source"]) == ("queued", "capture")
    assert record["session_id"] == call.running["session_id"]
    assert (record["title"], record["candidate_id"], record["project_id"]) == ("Ms. Okafor", "c-7", "p-3")
    assert record["sha256"] == sha256_of(call.path)
    assert record["size_bytes"] == call.path.stat().st_size
    assert record["modified_ns"] == call.path.stat().st_mtime_ns
    assert record["duration_seconds"] == pytest.approx(len(call.audio) / RATE_HZ, abs=0.001)
    assert call.path.parent.name == "inbox"
    assert call.capture["state"] == QUEUED


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file modes")
def test_a_recording_is_its_owners_alone(call: Recorded) -> None:
    assert call.path.stat().st_mode & 0o777 == 0o600


def test_a_recording_is_as_long_as_it_ran(call: Recorded) -> None:
    assert len(call.audio) / RATE_HZ == pytest.approx(call.running["duration_seconds"], abs=0.25)
    assert call.outcome["duration_seconds"] == pytest.approx(len(call.audio) / RATE_HZ, abs=0.001)


def test_both_sides_are_heard_in_a_recording_at_the_same_moment(
    call: Recorded, sources: tuple[Path, Path]
) -> None:
    assert call.audio.shape[1] == 1
    (mine, my_lag), (theirs, their_lag) = (found_in(call.audio[:, 0], source) for source in sources)
    assert (mine, theirs) == (pytest.approx(0.7, abs=0.05), pytest.approx(0.7, abs=0.05))
    assert abs(my_lag - their_lag) < 0.03
    assert 0 <= my_lag < 0.5


def test_a_split_recording_has_the_microphone_left_and_the_loopback_right(
    split_call: Recorded, sources: tuple[Path, Path]
) -> None:
    assert split_call.audio.shape[1] == 2
    likeness = [[found_in(channel, source)[0] for source in sources] for channel in split_call.audio.T]
    assert likeness[0][0] > 0.99
    assert likeness[1][1] > 0.99
    assert max(likeness[0][1], likeness[1][0]) < 0.3
    assert split_call.capture["layout"] == "split"


def test_the_verdict_is_in_the_database(call: Recorded, devices: dict[str, str]) -> None:
    verdict = json.loads(call.capture["verdict"])
    assert verdict == call.outcome["verdict"]
    assert (verdict["layout"], verdict["reason"], verdict["recovered"]) == ("mono", "asked", False)
    assert verdict["duration_seconds"] == call.capture["duration_seconds"] == call.record["duration_seconds"]
    for side, name in devices.items():
        judged = verdict["sides"][side]
        assert judged["devices"] == [{"name": name, "rate_hz": RATE_HZ, "channels": 1}]
        assert (judged["device_losses"], judged["gaps"], judged["lost_ms"]) == (0, 0, 0)
        assert judged["silence_share"] < 0.1


def test_the_loudness_of_each_side_has_fifty_bytes_a_second_and_agrees_with_the_audio(
    split_call: Recorded,
) -> None:
    levels = split_call.loudness
    assert levels.ticks_per_second == 50
    for channel, side in enumerate((levels.microphone, levels.loopback)):
        ticks = np.array([dbfs(byte) for byte in side])
        assert len(ticks) == len(split_call.audio) * 10 // RATE_HZ * 5
        audio = split_call.audio[: len(ticks) * RATE_HZ // 50, channel].reshape(len(ticks), -1)
        rms = np.sqrt(np.mean(np.square(audio), axis=1))
        loud = rms > 0.01
        assert loud.sum() >= 75
        assert np.abs(ticks[loud] - 20 * np.log10(rms[loud])).max() < 0.5


def test_two_sides_that_are_heard_apart_have_little_echo(split_call: Recorded) -> None:
    measured = echo_of(split_call.loudness, 0)
    assert measured
    assert measured[0] < 0.3


def test_levels_come_ten_times_a_second_and_tell_how_loud_each_side_is(
    call: Recorded, sources: tuple[Path, Path]
) -> None:
    levels = [event for event in call.events if event["type"] == "level"]
    assert 16 <= len(levels) <= 25
    loud = float(np.sqrt(np.mean(np.square(read(sources[0])))))
    assert np.median([level["mic"] for level in levels]) == pytest.approx(loud, rel=0.1)
    assert all(level["loopback_peak"] >= level["loopback"] for level in levels)
    assert [level["seconds"] for level in levels] == sorted(level["seconds"] for level in levels)


def test_a_call_without_a_title_is_named_by_its_day_and_time(desk: Desk) -> None:
    outcome = desk.record(0.2)
    assert outcome["title"].startswith(f"Call {time.strftime('%Y-')}")
    assert only_record().title == outcome["title"]


def test_one_session_records_one_call_after_another(desk: Desk) -> None:
    first, second = desk.record(0.2, title="first"), desk.record(0.2, title="second")
    assert first["session_id"] != second["session_id"]
    assert [record.title for record in Record.select().order_by(Record.id)] == ["first", "second"]
    assert len({record.recording_path for record in Record.select()}) == 2


def test_a_session_takes_the_settings_of_its_environment_and_leaves_nothing_of_itself(
    tmp_path: Path, devices: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFHOOK_HOME", str(tmp_path / "elsewhere"))
    for side, name in devices.items():
        monkeypatch.setenv(f"OFFHOOK_{side.upper()}", name)
    with RecordingSession() as session:
        session.start()
        assert session.get_state()["microphone"] == devices["microphone"]
    assert len(list((tmp_path / "elsewhere" / "inbox").glob("*.wav"))) == 1
    assert list((tmp_path / "elsewhere" / "locks").iterdir()) == []
    assert list((tmp_path / "elsewhere" / "recording").iterdir()) == []


def test_closing_a_session_finishes_what_it_records(make: Make) -> None:
    desk = make()
    desk.session.start(title="cut short")
    time.sleep(0.2)
    desk.session.close()
    assert read(only_record().recording_path).size
    assert desk.state == "idle"
