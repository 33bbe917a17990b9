"""A recording session from idle to idle: WAVs in the place of devices, in real time, with a real database."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from peewee import SqliteDatabase

from capture_worker import RecordingSession
from capture_worker.audio import replay
from shared import home as folders
from shared.errors import (
    AlreadyRecording,
    AudioUnavailable,
    NoDevice,
    NotRecording,
    RecordingWaits,
    StateConflict,
    UnknownSession,
)
from shared.files import sha256_of
from shared.settings import Settings
from shared.store.captures import ENDED, QUEUED, WAITING, Captures, dbfs
from shared.store.models import Capture, Loudness, Record
from shared.store.sqlite import open_database
from tests.conftest import skip_or_fail

ROOT = Path(__file__).parents[2]
RATE_HZ = 16_000
PATIENCE_SECONDS = 15.0
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's namespaces")

Samples = NDArray[np.float32]
Make = Callable[..., "Desk"]

#: Holds the database until a line comes in.
HOLDS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
database.execute("ROLLBACK")
"""

#: Stops a recording that then waits, and is gone without a word.
STOPS_AND_DIES = """
import os, signal, time
from capture_worker import RecordingSession
session = RecordingSession()
session.start(title="left behind", candidate_id="c-1")
time.sleep(0.3)
session.stop()
print(session.get_state()["session_id"], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

#: Records onto a disk that is soon full, and says what became of it.
FILLS_THE_DISK = """
import json, os, subprocess, time
from capture_worker import RecordingSession
from shared.settings import load
settings = load(os.environ)
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(settings.recording)], check=True)
print("mounted", flush=True)
events = []
with RecordingSession(settings, on_event=events.append) as session:
    session.start(title="too long", candidate_id="c-1")
    deadline = time.monotonic() + 20
    while session.get_state()["state"] == "recording" and time.monotonic() < deadline:
        time.sleep(0.02)
    said = [event for event in events if event["type"] != "level"]
    try:
        session.stop()
    except Exception as error:
        refusal = [type(error).__name__, str(error)]
    left = [path.name for path in settings.recording.iterdir()]
    print(json.dumps({"state": session.get_state(), "said": said, "refusal": refusal, "left": left}))
"""


@dataclass
class Desk:
    """A session, and what it has said so far."""

    session: RecordingSession
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def state(self) -> str:
        found: str = self.session.get_state()["state"]
        return found

    def record(self, seconds: float = 0.3, **given: Any) -> dict[str, Any]:
        """Record for a while and return what became of it."""
        self.session.start(**given)
        time.sleep(seconds)
        return self.session.stop()

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def warned(self) -> list[str]:
        return [event["code"] for event in self.of_type("warning")]


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
    loudness: dict[str, bytes]
    audio: Samples  # (frames, channels)

    @property
    def path(self) -> Path:
        return Path(self.record["recording_path"])


def noise(path: Path, seed: int, seconds: float = 40.0) -> Path:
    """Write steady noise that no resampler changes much, another one for each seed."""
    raw = np.random.default_rng(seed).normal(0, 1, round(seconds * RATE_HZ))
    smooth = np.convolve(raw, np.hanning(35), "same")
    write(path, 0.3 * smooth / np.abs(smooth).max())
    return path


def write(path: Path, samples: NDArray[Any]) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())


def read(path: Path | str) -> Samples:
    """Read a finished recording, (frames, channels)."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE_HZ, 2)
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert len(pcm) == file.getnframes() * file.getnchannels()
        return pcm.reshape(-1, file.getnchannels()).astype(np.float32) / 32768


def found_in(recorded: NDArray[Any], source: Path) -> tuple[float, float]:
    """Return how well a second of a source is found in a recording (1: exactly), and the lag in seconds."""
    piece = read(source)[RATE_HZ // 10 : RATE_HZ // 10 + RATE_HZ, 0]
    size = 1 << (len(recorded) + len(piece)).bit_length()
    match = np.fft.irfft(np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(piece, size)), size)
    lag = int(np.argmax(match[: len(recorded) - len(piece)]))
    likeness = float(np.corrcoef(recorded[lag : lag + len(piece)], piece)[0, 1])
    return likeness, lag / RATE_HZ - 0.1


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


@contextmanager
def held(settings: Settings) -> Iterator[Callable[[], None]]:
    """Let another process hold the database, until it is let go."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(settings.database)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"

        def let_go() -> None:
            holder.communicate("\n", timeout=10)

        try:
            yield let_go
        finally:
            holder.kill()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """What is heard from the microphone and from the loopback."""
    folder = tmp_path_factory.mktemp("sources")
    return noise(folder / "microphone.wav", 1), noise(folder / "loopback.wav", 2)


@pytest.fixture(scope="module")
def devices(sources: tuple[Path, Path]) -> dict[str, str]:
    """The settings that put the sources in the place of devices."""
    return {side: f"replay:{path}" for side, path in zip(("microphone", "loopback"), sources, strict=True)}


@pytest.fixture
def settings(settings: Settings, devices: dict[str, str]) -> Settings:
    """Settings of a fresh home on a machine with both devices."""
    return replace(settings, **devices)


@pytest.fixture
def make(settings: Settings, database: SqliteDatabase) -> Iterator[Make]:
    """Open sessions in the fresh home."""
    opened: list[RecordingSession] = []

    def new(open_system: Any = None, **changes: Any) -> Desk:
        events: list[dict[str, Any]] = []
        given = {"open_system": open_system} if open_system else {}
        session = RecordingSession(
            replace(settings, **changes), database=database, on_event=events.append, **given
        )
        opened.append(session)
        return Desk(session, events)

    yield new
    for session in opened:
        session.close()


@pytest.fixture
def desk(make: Make) -> Desk:
    """A session with the usual settings."""
    return make()


@pytest.fixture
def manual(make: Make) -> Desk:
    """A session whose recordings wait for somebody to attach or discard them."""
    return make(finalise="manual")


def recorded(folder: Path, devices: dict[str, str], layout: str) -> Recorded:
    """Record two seconds in a home of its own."""
    settings = Settings(home=folder / "home", layout=layout, **devices)
    folders.prepare(settings)
    database = open_database(settings.database)
    events: list[dict[str, Any]] = []
    with RecordingSession(settings, database=database, on_event=events.append) as session:
        before = session.get_state()
        session.start(title="Ms. Okafor", candidate_id="c-7", project_id="p-3")
        time.sleep(2.0)
        running = session.get_state()
        outcome = session.stop()
        after = session.get_state()
    (record,), (capture,) = Record.select().dicts(), Capture.select().dicts()
    loudness = Captures(database).loudness(record["session_id"])
    database.close()
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


def only_record() -> Any:
    (record,) = Record.select()
    return record


def nothing_is_left(settings: Settings) -> bool:
    """Whether a home holds no recording, and no word of one."""
    files = [*settings.recording.iterdir(), *settings.inbox.iterdir()]
    rows = [model.select().count() for model in (Record, Capture, Loudness)]
    return not files and rows == [0, 0, 0]


# From idle to idle


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


def test_the_loudness_of_each_side_has_ten_bytes_a_second_and_agrees_with_the_audio(
    split_call: Recorded,
) -> None:
    for channel, side in enumerate(("microphone", "loopback")):
        ticks = np.array([dbfs(byte) for byte in split_call.loudness[side]])
        assert len(ticks) == len(split_call.audio) * 10 // RATE_HZ
        audio = split_call.audio[: len(ticks) * RATE_HZ // 10, channel].reshape(len(ticks), -1)
        rms = np.sqrt(np.mean(np.square(audio), axis=1))
        loud = rms > 0.01
        assert loud.sum() >= 15
        assert np.abs(ticks[loud] - 20 * np.log10(rms[loud])).max() < 0.5


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


# Where the recording goes


def test_a_recording_goes_where_it_is_told_and_the_folder_is_made(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    wanted = tmp_path / "not" / "there yet" / "call.wav"
    outcome = desk.record(output_path=str(wanted))
    assert outcome["recording_path"] == str(wanted)
    assert read(wanted).size
    assert only_record().recording_path == str(wanted)
    assert list(settings.inbox.iterdir()) == []


def test_a_file_that_is_there_already_is_not_recorded_over(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    taken = tmp_path / "call.wav"
    taken.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=r"call\.wav"):
        desk.session.start(output_path=taken)
    assert desk.state == "idle"
    assert taken.read_bytes() == b"precious"
    assert nothing_is_left(settings)


def test_a_file_that_appears_meanwhile_is_not_recorded_over_either(desk: Desk, tmp_path: Path) -> None:
    wanted = tmp_path / "call.wav"
    desk.session.start(output_path=wanted)
    wanted.write_bytes(b"precious")
    outcome = desk.session.stop()
    assert wanted.read_bytes() == b"precious"
    assert outcome["recording_path"] == str(tmp_path / "call (2).wav")
    assert only_record().recording_path == outcome["recording_path"]
    assert read(outcome["recording_path"]).size


def test_a_recording_whose_place_cannot_be_written_goes_to_the_inbox(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    wanted = tmp_path / "stick" / "call.wav"
    desk.session.start(output_path=wanted, candidate_id="c-1")
    wanted.parent.rmdir()
    wanted.parent.write_bytes(b"a file where the folder was")
    outcome = desk.session.stop()
    path = Path(outcome["recording_path"])
    assert path.parent == settings.inbox
    assert read(path).size
    record = only_record()
    assert (record.recording_path, record.candidate_id) == (str(path), "c-1")


def test_a_place_that_cannot_be_made_is_refused_before_anything_is_recorded(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        desk.session.start(output_path=tmp_path / "file" / "call.wav")
    assert desk.state == "idle"
    assert nothing_is_left(settings)


# Manual: it waits for somebody to attach or discard it


def test_a_stopped_recording_waits_and_is_not_queued(manual: Desk, settings: Settings) -> None:
    outcome = manual.record(title="who was it")
    assert (outcome["record_id"], outcome["recording_path"]) == (None, None)
    state = manual.session.get_state()
    assert (state["state"], state["title"], state["session_id"]) == (
        "stopped",
        "who was it",
        outcome["session_id"],
    )
    assert state["duration_seconds"] == pytest.approx(outcome["duration_seconds"], abs=0.01)
    assert Record.select().count() == 0
    assert list(settings.inbox.iterdir()) == []
    assert Capture.get().state == WAITING


def test_attaching_a_recording_that_waits_queues_it(manual: Desk) -> None:
    session_id = manual.record()["session_id"]
    done = manual.session.attach("c-7", "p-3")
    record = only_record()
    assert done == {"session_id": session_id, "record_id": record.id}
    assert (record.session_id, record.candidate_id, record.project_id) == (session_id, "c-7", "p-3")
    assert read(record.recording_path).size
    assert manual.state == "idle"


def test_discarding_a_recording_that_waits_leaves_nothing_of_it(manual: Desk, settings: Settings) -> None:
    session_id = manual.record()["session_id"]
    assert manual.session.discard() == {"session_id": session_id, "discarded": True}
    assert manual.state == "idle"
    assert nothing_is_left(settings)


def test_discarding_a_recording_that_runs_leaves_nothing_of_it(desk: Desk, settings: Settings) -> None:
    desk.session.start()
    time.sleep(0.2)
    desk.session.discard()
    assert desk.state == "idle"
    assert nothing_is_left(settings)


def test_a_discarded_recording_does_not_wait_either(manual: Desk, settings: Settings) -> None:
    manual.session.start()
    manual.session.discard()
    assert manual.state == "idle"
    assert nothing_is_left(settings)


def test_a_recording_waits_over_the_death_of_its_process(make: Make, settings: Settings) -> None:
    environment = {
        "OFFHOOK_HOME": str(settings.home),
        "OFFHOOK_FINALISE": "manual",
        "OFFHOOK_MICROPHONE": settings.microphone,
        "OFFHOOK_LOOPBACK": settings.loopback,
    }
    died = subprocess.run(
        [sys.executable, "-c", STOPS_AND_DIES],
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
    )
    assert died.returncode < 0
    heir = make(finalise="manual")
    state = heir.session.get_state()
    assert (state["state"], state["session_id"], state["title"]) == (
        "stopped",
        died.stdout.strip(),
        "left behind",
    )
    heir.session.attach(project_id="p-3")
    record = only_record()
    assert (record.session_id, record.candidate_id, record.project_id) == (
        died.stdout.strip(),
        "c-1",
        "p-3",
    )


def test_a_recording_that_waited_is_queued_when_recordings_wait_no_longer(make: Make) -> None:
    first = make(finalise="manual")
    session_id = first.record()["session_id"]
    first.session.close()
    assert make(finalise="auto").state == "idle"
    assert only_record().session_id == session_id


def test_a_recording_that_waits_with_a_living_process_is_left_to_it(make: Make) -> None:
    first = make(finalise="manual")
    first.record()
    assert make(finalise="manual").state == "idle"
    assert first.state == "stopped"
    first.session.attach("c-1")
    assert only_record().candidate_id == "c-1"


def test_only_the_newest_of_two_recordings_waits(make: Make) -> None:
    older, newer = make(finalise="manual"), make(finalise="manual")
    first, second = older.record(title="older"), newer.record(title="newer")
    older.session.close()
    newer.session.close()
    heir = make(finalise="manual")
    assert heir.session.get_state()["session_id"] == second["session_id"]
    assert only_record().session_id == first["session_id"]


# What is refused changes nothing


def test_a_second_start_is_refused_and_the_recording_goes_on(desk: Desk) -> None:
    desk.session.start(title="first")
    before = desk.session.get_state()
    with pytest.raises(AlreadyRecording):
        desk.session.start(title="second")
    after = desk.session.get_state()
    assert (after["state"], after["session_id"]) == ("recording", before["session_id"])
    desk.session.stop()
    assert only_record().title == "first"


def test_two_starts_at_once_make_one_recording(desk: Desk) -> None:
    barrier, outcomes = threading.Barrier(2), []

    def start() -> None:
        barrier.wait()
        try:
            outcomes.append(desk.session.start()["state"])
        except AlreadyRecording as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already_recording", "recording"]
    desk.session.stop()
    assert Record.select().count() == 1


def test_nothing_is_recorded_while_a_recording_waits(manual: Desk) -> None:
    session_id = manual.record()["session_id"]
    with pytest.raises(RecordingWaits):
        manual.session.start()
    state = manual.session.get_state()
    assert (state["state"], state["session_id"]) == ("stopped", session_id)


@pytest.mark.parametrize("finalise", ["auto", "manual"])
def test_a_second_stop_is_refused(make: Make, finalise: str) -> None:
    desk = make(finalise=finalise)
    desk.record(0.1)
    before = desk.session.get_state()
    with pytest.raises(NotRecording):
        desk.session.stop()
    assert desk.session.get_state() == before


def test_an_idle_session_refuses_to_stop_to_discard_and_to_attach(desk: Desk) -> None:
    before = desk.session.get_state()
    with pytest.raises(NotRecording):
        desk.session.stop()
    with pytest.raises(NotRecording):
        desk.session.discard()
    with pytest.raises(UnknownSession):
        desk.session.attach("c-1")
    assert desk.session.get_state() == before


def test_a_recording_that_is_queued_is_not_discarded(desk: Desk) -> None:
    path = Path(desk.record()["recording_path"])
    with pytest.raises(NotRecording):
        desk.session.discard()
    assert path.exists()
    assert Record.select().count() == 1


def test_attaching_an_unknown_session_changes_nothing(manual: Desk) -> None:
    manual.record(candidate_id="c-1")
    before = manual.session.get_state()
    with pytest.raises(UnknownSession, match="0000"):
        manual.session.attach("c-2", session_id="0000")
    assert manual.session.get_state() == before
    assert Capture.get().candidate_id == "c-1"
    assert Record.select().count() == 0


# Attach


def test_a_running_recording_can_be_attached(desk: Desk) -> None:
    desk.session.start(candidate_id="c-1")
    assert desk.session.attach("c-2", "p-3")["record_id"] is None
    state = desk.session.get_state()
    assert (state["candidate_id"], state["project_id"]) == ("c-2", "p-3")
    desk.session.attach(project_id="p-4")
    desk.session.stop()
    record = only_record()
    assert (record.candidate_id, record.project_id) == ("c-2", "p-4")


def test_the_last_recording_can_be_attached_after_its_end(desk: Desk) -> None:
    outcome = desk.record(0.2)
    done = desk.session.attach("c-7")
    assert done == {"session_id": outcome["session_id"], "record_id": outcome["record_id"]}
    assert only_record().candidate_id == "c-7"


def test_any_recording_can_be_attached_by_its_session_id(desk: Desk) -> None:
    first, _ = desk.record(0.1, title="first"), desk.record(0.1, title="second")
    desk.session.start(title="third")
    desk.session.attach("c-7", "p-3", session_id=first["session_id"])
    desk.session.stop()
    attached = {r.title: (r.candidate_id, r.project_id) for r in Record.select()}
    assert attached == {"first": ("c-7", "p-3"), "second": (None, None), "third": (None, None)}


# Devices that are not there


def test_without_any_device_nothing_is_recorded_and_nothing_is_left(make: Make, settings: Settings) -> None:
    desk = make(open_system=lambda wanted: replay.System({}))
    with pytest.raises(NoDevice):
        desk.session.start()
    assert desk.state == "idle"
    assert nothing_is_left(settings)
    assert desk.of_type("state") == []


@pytest.mark.parametrize(
    ("missing", "heard", "code"),
    [("microphone", "loopback", "microphone_missing"), ("loopback", "microphone", "loopback_missing")],
)
def test_a_missing_side_is_said_and_the_other_is_recorded_as_loud_as_it_is(
    make: Make, sources: tuple[Path, Path], missing: str, heard: str, code: str
) -> None:
    desk = make(**{missing: "default"})
    state = desk.session.start()
    assert [warning["code"] for warning in state["warnings"]] == [code]
    assert desk.warned() == [code]
    assert state[missing] is None
    time.sleep(1.4)
    audio = read(desk.session.stop()["recording_path"])[:, 0]
    source = sources[("microphone", "loopback").index(heard)]
    assert found_in(audio, source)[0] > 0.99
    assert np.std(audio[8_000:16_000]) == pytest.approx(np.std(read(source)), rel=0.1)


def test_a_side_that_is_not_wanted_is_not_missed(make: Make) -> None:
    desk = make(loopback="none")
    desk.record(0.2)
    assert desk.warned() == []
    assert json.loads(Capture.get().verdict)["sides"]["loopback"]["devices"] == []


def test_a_replay_that_is_not_there_is_named(make: Make, settings: Settings, tmp_path: Path) -> None:
    desk = make(microphone=f"replay:{tmp_path / 'gone.wav'}")
    with pytest.raises(AudioUnavailable, match=r"gone\.wav"):
        desk.session.start()
    assert desk.state == "idle"
    assert nothing_is_left(settings)
    found = desk.session.check_devices()
    assert (found["microphone"], found["loopback"], found["devices"]) == (None, None, [])
    assert "gone.wav" in found["reason"]


def test_after_a_failed_start_the_next_one_records(make: Make, sources: tuple[Path, Path]) -> None:
    late = sources[0].with_name("late.wav")
    desk = make(microphone=f"replay:{late}")
    with pytest.raises(AudioUnavailable):
        desk.session.start()
    shutil.copyfile(sources[0], late)
    assert read(desk.record(0.2)["recording_path"]).size


def test_the_devices_that_would_be_recorded_are_named(desk: Desk, devices: dict[str, str]) -> None:
    found = desk.session.check_devices()
    assert {side: found[side]["name"] for side in devices} == devices
    assert [device["side"] for device in found["devices"]] == ["microphone", "loopback"]
    json.dumps(found)


# It stops by itself


def test_a_recording_ends_by_itself_when_it_has_become_too_long(make: Make) -> None:
    desk = make(longest_recording_minutes=0.02)
    started = time.monotonic()
    desk.session.start()
    wait_for(lambda: desk.state == "idle", "the recording to end")
    assert 1.1 < time.monotonic() - started < 3
    last = desk.session.get_state()["last"]
    assert (last["reason"], last["error"]) == ("longest_recording", None)
    assert last["duration_seconds"] == pytest.approx(1.2, abs=0.3)
    assert only_record().id == last["record_id"]
    with pytest.raises(NotRecording, match="longest_recording"):
        desk.session.stop()


def test_a_recording_ends_by_itself_when_both_sides_have_fallen_silent(make: Make, tmp_path: Path) -> None:
    short = noise(tmp_path / "short.wav", 3, seconds=1.0)
    desk = make(microphone=f"replay:{short}", loopback="none", stop_after_silence_minutes=0.02)
    desk.session.start()
    wait_for(lambda: desk.state == "idle", "the recording to end")
    last = desk.session.get_state()["last"]
    assert (last["reason"], last["error"]) == ("silence", None)
    assert json.loads(Capture.get().verdict)["reason"] == "silence"
    assert 2.1 < last["duration_seconds"] < 4.5


def test_one_voice_is_enough_to_go_on(make: Make, tmp_path: Path) -> None:
    silent = tmp_path / "silent.wav"
    write(silent, np.zeros(RATE_HZ * 5))
    desk = make(loopback=f"replay:{silent}", stop_after_silence_minutes=0.01)
    desk.session.start()
    time.sleep(1.2)
    assert desk.state == "recording"


def test_a_recording_that_ends_by_itself_waits_too_where_recordings_wait(make: Make) -> None:
    desk = make(finalise="manual", longest_recording_minutes=0.01)
    desk.session.start()
    wait_for(lambda: desk.state == "stopped", "the recording to end")
    assert Record.select().count() == 0


def test_the_reminder_of_consent_is_given_at_each_start(make: Make) -> None:
    desk = make(consent_reminder="Ask before you record.")
    for _ in range(2):
        state = desk.session.start()
        assert {"code": "consent", "message": "Ask before you record."} in state["warnings"]
        desk.session.stop()
    assert desk.warned() == ["consent", "consent"]


# The disk is full


@ON_LINUX
def test_a_full_disk_ends_a_recording_and_what_there_was_room_for_is_queued(
    settings: Settings, database: SqliteDatabase
) -> None:
    environment = {f"OFFHOOK_{name.upper()}": str(getattr(settings, name)) for name in ("home", "microphone")}
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", sys.executable, "-c", FILLS_THE_DISK],
        cwd=ROOT,
        env=os.environ | environment | {"OFFHOOK_LOOPBACK": "none"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if not done.stdout.startswith("mounted\n"):
        skip_or_fail(f"no file system can be mounted here: {done.stderr}")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[1])
    last = found["state"]["last"]
    assert found["state"]["state"] == "idle"
    assert last["reason"] == "disk_full"
    assert "disk is full" in last["error"]
    assert [event.get("code") for event in found["said"]] == ["disk_low", None, "disk_full", None]
    assert found["refusal"][0] == "NotRecording"
    assert "disk is full" in found["refusal"][1]
    assert found["left"] == []
    record = only_record()
    assert (record.id, record.candidate_id, record.title) == (last["record_id"], "c-1", "too long")
    room = (64 * 1024 - 80) / (2 * RATE_HZ)
    assert room - 0.2 < len(read(record.recording_path)) / RATE_HZ <= room
    assert json.loads(Capture.get().verdict)["reason"] == "disk_full"


# The database is busy


def test_a_recording_starts_at_once_though_the_database_is_held_and_is_noted_later(
    desk: Desk, settings: Settings, sources: tuple[Path, Path]
) -> None:
    with held(settings) as let_go:
        started = time.monotonic()
        desk.session.start(title="busy", candidate_id="c-7", project_id="p-3")
        assert time.monotonic() - started < 4
        assert Capture.select().count() == 0
        let_go()
    time.sleep(1)
    outcome = desk.session.stop()
    record = only_record()
    assert (record.id, record.title) == (outcome["record_id"], "busy")
    assert (record.candidate_id, record.project_id) == ("c-7", "p-3")
    likeness, lag = found_in(read(record.recording_path)[:, 0], sources[0])
    assert likeness > 0.6
    assert lag < 0.5, "the first sample has waited for the database"


def test_a_recording_that_ends_while_the_database_is_held_is_queued_afterwards(
    desk: Desk, settings: Settings
) -> None:
    desk.session.start(title="busy", candidate_id="c-7")
    with held(settings) as let_go:
        outcome = desk.session.stop()
        assert outcome["record_id"] is None
        assert desk.warned() == ["queued_later"]
        assert desk.state == "idle"
        assert Record.select().count() == 0
        let_go()
    for _ in range(2):
        desk.session.settle()
    record = only_record()
    assert (record.session_id, record.title, record.candidate_id) == (outcome["session_id"], "busy", "c-7")
    assert record.sha256 == sha256_of(Path(record.recording_path))
    assert Capture.get().state == QUEUED


def test_a_recording_that_is_to_wait_does_so_though_the_database_is_held_at_its_end(
    manual: Desk, settings: Settings
) -> None:
    manual.session.start(candidate_id="c-7")
    with held(settings) as let_go:
        session_id = manual.session.stop()["session_id"]
        let_go()
    assert manual.session.get_state()["session_id"] == session_id
    assert manual.state == "stopped"
    manual.session.settle()
    assert Record.select().count() == 0
    manual.session.attach()
    record = only_record()
    assert (record.session_id, record.candidate_id) == (session_id, "c-7")


@pytest.mark.parametrize("finalise", ["auto", "manual"])
def test_a_recording_that_begins_and_ends_while_the_database_is_held_is_not_forgotten(
    make: Make, settings: Settings, finalise: str
) -> None:
    desk = make(finalise=finalise)
    with held(settings) as let_go:
        desk.session.start(title="busy", candidate_id="c-7")
        session_id = desk.session.stop()["session_id"]
        assert desk.state == "idle"
        assert desk.warned() == ["queued_later"]
        let_go()
    desk.session.settle()
    if finalise == "manual":
        assert desk.state == "stopped"
        desk.session.attach()
    record = only_record()
    assert (record.session_id, record.title, record.candidate_id) == (session_id, "busy", "c-7")
    assert json.loads(Capture.get().verdict)["recovered"] is False
    assert list(settings.recording.iterdir()) == []


def test_a_stop_does_not_wait_for_a_database_that_has_been_held_for_long(
    desk: Desk, settings: Settings
) -> None:
    desk.session.start()
    with held(settings) as let_go:
        time.sleep(2.5)
        late = threading.Timer(8.0, let_go)
        late.start()
        began = time.monotonic()
        desk.session.stop()
        took = time.monotonic() - began
        late.cancel()
        late.join()
    assert took < 6
    desk.session.settle()
    assert Record.select().count() == 1


def test_a_recording_is_attached_before_the_database_knows_of_it(desk: Desk, settings: Settings) -> None:
    with held(settings) as let_go:
        desk.session.start(title="busy")
        let_go()
    desk.session.attach("c-7")
    desk.session.stop()
    assert only_record().candidate_id == "c-7"


def test_a_recording_that_is_discarded_while_the_database_is_held_is_gone_afterwards(
    desk: Desk, settings: Settings
) -> None:
    desk.session.start()
    with held(settings) as let_go:
        desk.session.discard()
        let_go()
    assert desk.warned() == []  # least of all that it is safe
    desk.session.settle()
    assert nothing_is_left(settings)


def test_a_place_can_be_recorded_to_again_when_its_file_has_been_moved_away(
    desk: Desk, tmp_path: Path
) -> None:
    place = tmp_path / "latest.wav"
    desk.record(0.2, output_path=place, title="first")
    place.rename(tmp_path / "first.wav")
    outcome = desk.record(0.2, output_path=place, title="second")
    assert desk.state == "idle"
    assert Record.get_by_id(outcome["record_id"]).title == "second"
    assert Record.select().count() == 2


def test_a_title_that_cannot_be_written_down_leaves_nothing_running(desk: Desk, settings: Settings) -> None:
    with pytest.raises(ValueError):
        desk.session.start(title="Gr\udcc3")
    assert "audio" not in [thread.name for thread in threading.enumerate()]
    assert desk.state == "idle"
    assert nothing_is_left(settings)


def test_a_place_that_no_system_has_is_refused(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        desk.session.start(output_path=str(tmp_path / "call\0.wav"))
    assert desk.state == "idle"
    assert nothing_is_left(settings)


def test_the_newest_recording_waits_whoever_has_stopped_it(make: Make) -> None:
    older, newer = make(finalise="manual"), make(finalise="manual")
    first, second = older.record(title="older"), newer.record(title="newer")
    older.session.close()
    newer.session.settle()
    assert newer.session.get_state()["session_id"] == second["session_id"]
    assert only_record().session_id == first["session_id"]


def test_where_no_side_is_wanted_no_sound_system_is_asked(make: Make, settings: Settings) -> None:
    with pytest.raises(NoDevice):
        make(microphone="none", loopback="none").session.start()
    assert nothing_is_left(settings)


# Those who embed it


def test_a_listener_that_fails_ends_no_recording(make: Make, settings: Settings) -> None:
    def listener(event: dict[str, Any]) -> None:
        raise RuntimeError("the window is gone")

    session = make().session
    session._announcer._listener = listener
    session.start()
    time.sleep(0.5)
    assert session.get_state()["state"] == "recording"
    assert session.stop()["state"] == "queued"
    assert session.get_state()["state"] == "idle"
    session.start()
    session.stop()
    assert Record.select().count() == 2


def test_a_session_that_is_closed_records_no_more(desk: Desk, settings: Settings) -> None:
    desk.session.close()
    with pytest.raises(NotRecording):
        desk.session.start()
    assert nothing_is_left(settings)


def test_a_program_that_leaves_without_a_word_ends_and_its_recording_is_queued(
    desk: Desk, settings: Settings
) -> None:
    code = (
        "import time; from capture_worker import RecordingSession\n"
        "RecordingSession().start(title='left running'); time.sleep(0.5); raise SystemExit(3)\n"
    )
    own = {"OFFHOOK_MICROPHONE": settings.microphone, "OFFHOOK_LOOPBACK": settings.loopback}
    env = {**os.environ, "OFFHOOK_HOME": str(settings.home), **own}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, timeout=30)
    assert done.returncode == 3
    record = only_record()
    assert (record.title, record.source) == ("left running", "capture")
    assert list(settings.recording.iterdir()) == []


def test_the_umask_of_the_program_that_embeds_it_stays_as_it_was(make: Make, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        outcome = make().record(0.2)
        assert os.umask(0o022) == 0o022
        assert Path(outcome["recording_path"]).stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_a_recording_that_ends_while_it_is_discarded_is_not_said_to_be_gone(desk: Desk) -> None:
    desk.session.start()
    take = desk.session._take
    assert take
    take.stop()  # as a limit does that is reached just then
    desk.session._take = take
    with pytest.raises(StateConflict, match="offhook delete"):
        desk.session.discard()


def test_an_ended_recording_that_cannot_be_moved_is_shown_as_late_and_queued_later(
    desk: Desk, settings: Settings
) -> None:
    desk.session.start()
    settings.inbox.rmdir()
    settings.inbox.write_bytes(b"in the way")
    assert desk.session.stop()["state"] == "late"
    assert Capture.get().state == ENDED
    settings.inbox.unlink()
    settings.inbox.mkdir()
    desk.session.settle()
    assert only_record().session_id
