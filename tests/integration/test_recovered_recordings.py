"""Recordings of killed recorders are repaired and queued, each call once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from capture_worker import RecordingSession
from capture_worker.wav import WavWriter
from shared.files import sha256_of
from shared.loudness import SideLevels
from shared.recording_wav import HEADER_BYTES
from shared.settings import Settings
from shared.store.captures import ENDED, QUEUED, RECORDING, Captures
from shared.store.store import Store
from tests.tables import Capture, InboxFile, Loudness, Record
from transcribe_worker.inbox.sweep import ADOPTED, Inbox
from transcribe_worker.jobs.hints import HintQueue

ROOT = Path(__file__).parents[2]
RATE_HZ = 16_000
DEAD = "capture-000000000000"

HandOver = Callable[[], None]

#: Records until a line comes in. The names of `call` come as arguments.
RECORDS = """
import json, sys
from capture_worker import RecordingSession
with RecordingSession() as session:
    state = session.start(**json.loads(sys.argv[1]))
    print(state["session_id"], flush=True)
    sys.stdin.readline()
    print(json.dumps(session.stop()), flush=True)
"""

HANDS_OVER = """
import sys
from capture_worker import RecordingSession
print("ready", flush=True)
sys.stdin.readline()
with RecordingSession() as session:
    session.hand_over_leftovers()
"""

SWEEPS = """
import os, sys
from shared.store.store import Store
from shared.settings_sources import load
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue

settings = load(os.environ)
store = Store.open(settings.database_file)
inbox = Inbox(settings, store, HintQueue(settings.queue))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(3):
    inbox.sweep()
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the microphone hears: half a minute of noise."""
    path = tmp_path_factory.mktemp("sources") / "microphone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(sound(30.0))
    return path


@pytest.fixture
def settings(settings: Settings, source: Path) -> Settings:
    """Settings of a fresh home on a machine with a microphone."""
    return replace(settings, microphone=f"replay:{source}", loopback="none")


@pytest.fixture
def captures(store: Store) -> Captures:
    return store.captures


@pytest.fixture
def hand_over(settings: Settings, store: Store) -> HandOver:
    """Let a capture process start in the home and end again."""

    def start_and_end() -> None:
        RecordingSession(settings, store=store).close()

    return start_and_end


@pytest.fixture
def inbox(settings: Settings, store: Store) -> Iterator[Inbox]:
    with closing(HintQueue(settings.queue)) as hints:
        yield Inbox(settings, store, hints)


def sound(seconds: float, channels: int = 1, seed: int = 0) -> bytes:
    frames = (round(seconds * RATE_HZ), channels)
    return np.random.default_rng(seed).integers(-9_000, 9_000, frames, np.int16).astype("<i2").tobytes()


def environment(settings: Settings) -> dict[str, str]:
    names = ("home", "microphone", "loopback", "layout", "finalise")
    return os.environ | {f"OFFHOOK_{name.upper()}": str(getattr(settings, name)) for name in names}


@contextmanager
def process(settings: Settings, code: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process in the home, ready to be told to go on by a line."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def first_line(started: subprocess.Popen[str]) -> str:
    assert started.stdout
    return started.stdout.readline().strip()


def killed_in_mid_recording(settings: Settings, seconds: float = 1.5, **call: str) -> str:
    """Record in another process and kill it; return the session id."""
    with process(settings, RECORDS, json.dumps(call)) as recorder:
        session_id = first_line(recorder)
        time.sleep(seconds)
        recorder.kill()
        recorder.wait()
    return session_id


def leave(
    settings: Settings, captures: Captures, audio: bytes, *, channels: int = 1, **columns: Any
) -> tuple[str, Path]:
    """Leave what a recorder leaves that dies before it refreshes its header again: a row and a file."""
    session_id = str(uuid.uuid4())
    part = leave_file(settings, session_id, audio, channels)
    place = columns.pop("place", settings.inbox / f"Call {session_id[:8]}.wav")
    given = {"title": "Ms. Okafor", "candidate_id": "c-7", "project_id": "p-3", "started_at": 1_000.0}
    layout = "split" if channels == 2 else "mono"
    captures.begin(session_id, place, worker_id=DEAD, layout=layout, **given | columns)
    return session_id, part


def leave_file(settings: Settings, name: str, audio: bytes, channels: int = 1) -> Path:
    """Leave an unfinished file whose header knows of no audio."""
    part = settings.recording / f"{name}.part"
    WavWriter(part, channels).close()
    with part.open("ab") as file:
        file.write(audio)
    return part


def leave_moved(settings: Settings, captures: Captures, audio: bytes) -> tuple[str, Path]:
    """Leave what a recorder leaves that dies behind the move: the row, and the file in its place."""
    session_id, part = leave(settings, captures, b"")
    part.unlink()
    place = Path(captures.get(session_id).recording_path)
    writer = WavWriter(place, 1)
    writer.write(audio)
    writer.close()
    captures.change(session_id, state=ENDED, duration_seconds=writer.seconds)
    return session_id, place


def read(path: Path | str) -> NDArray[np.int16]:
    """Read a finished recording, (frames, channels), whose header fits what is in it."""
    with wave.open(str(path), "rb") as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert len(pcm) == file.getnframes() * file.getnchannels()
        assert Path(path).stat().st_size == HEADER_BYTES + pcm.nbytes
        return pcm.reshape(-1, file.getnchannels())


def only_record() -> Any:
    (record,) = Record.select()
    return record


def is_ms_okafors(record: Any, session_id: str) -> bool:
    """Whether a record is the capture of that session, with all that was known of it."""
    known = (record.session_id, record.source, record.title, record.candidate_id, record.project_id)
    return known == (session_id, "capture", "Ms. Okafor", "c-7", "p-3")


# Killed in mid-recording


def test_the_recording_of_a_killed_process_is_repaired_and_queued_with_all_that_was_known(
    settings: Settings, store: Store, hand_over: HandOver
) -> None:
    session_id = killed_in_mid_recording(settings, title="Ms. Okafor", candidate_id="c-7", project_id="p-3")
    (part,) = settings.recording.iterdir()
    bytes_left = part.stat().st_size
    hand_over()
    record = only_record()
    assert is_ms_okafors(record, session_id)
    assert record.transcription_status == "queued"
    assert Path(record.recording_path).parent == settings.inbox
    audio = read(record.recording_path)
    assert audio.nbytes == bytes_left - HEADER_BYTES
    assert audio.any()
    assert record.duration_seconds == pytest.approx(len(audio) / RATE_HZ, abs=0.001)
    assert (record.sha256, record.size_bytes) == (sha256_of(Path(record.recording_path)), bytes_left)
    assert list(settings.recording.iterdir()) == []


def test_the_verdict_says_that_a_recording_was_recovered(
    settings: Settings, store: Store, hand_over: HandOver
) -> None:
    killed_in_mid_recording(settings, seconds=2.5)
    hand_over()
    capture = Capture.get()
    verdict = json.loads(capture.verdict)
    assert (verdict["recovered"], verdict["reason"], capture.state) == (True, "recovered", QUEUED)
    assert verdict["duration_seconds"] == pytest.approx(only_record().duration_seconds, abs=0.001)
    assert verdict["sides"]["microphone"]["devices"][0]["name"] == settings.microphone


def test_a_recovered_recording_goes_where_it_was_to_go(
    settings: Settings, store: Store, hand_over: HandOver, tmp_path: Path
) -> None:
    wanted = tmp_path / "calls" / "call.wav"
    killed_in_mid_recording(settings, output_path=str(wanted))
    hand_over()
    assert only_record().recording_path == str(wanted)
    assert read(wanted).any()


def test_a_recording_is_recovered_once(
    settings: Settings, captures: Captures, hand_over: HandOver, inbox: Inbox
) -> None:
    leave(settings, captures, sound(0.5))
    for _ in range(2):
        hand_over()
        inbox.sweep()
    assert Record.select().count() == 1


def test_the_recording_of_a_living_process_is_left_to_it(
    settings: Settings, store: Store, hand_over: HandOver
) -> None:
    with process(settings, RECORDS, json.dumps({"title": "living"})) as recorder:
        session_id = first_line(recorder)
        hand_over()
        assert [path.stem for path in settings.recording.iterdir()] == [session_id]
        assert Capture.get().state == RECORDING
        assert Record.select().count() == 0
        output, _ = recorder.communicate("\n", timeout=30)
    outcome = json.loads(output)
    assert outcome["verdict"]["recovered"] is False
    record = only_record()
    assert (record.session_id, record.recording_path) == (session_id, outcome["recording_path"])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
def test_the_recording_of_a_process_that_only_stands_still_is_left_to_it(
    settings: Settings, store: Store, hand_over: HandOver
) -> None:
    with process(settings, RECORDS, "{}") as recorder:
        session_id = first_line(recorder)
        recorder.send_signal(signal.SIGSTOP)
        hand_over()
        recorder.send_signal(signal.SIGCONT)
        recorder.communicate("\n", timeout=30)
    assert only_record().session_id == session_id


# What is left in the folder


def test_a_file_without_audio_is_dropped_with_its_row(
    settings: Settings, captures: Captures, hand_over: HandOver
) -> None:
    leave(settings, captures, b"")
    hand_over()
    assert (Record.select().count(), Capture.select().count()) == (0, 0)
    assert list(settings.recording.iterdir()) == list(settings.inbox.iterdir()) == []


def test_half_a_sample_at_the_end_is_cut_off(
    settings: Settings, captures: Captures, hand_over: HandOver
) -> None:
    audio = sound(0.5, channels=2)
    leave(settings, captures, audio + b"\1\2\3", channels=2)
    hand_over()
    assert read(only_record().recording_path).tobytes() == audio


def test_a_header_that_a_power_cut_has_emptied_is_written_anew(
    settings: Settings, captures: Captures, hand_over: HandOver
) -> None:
    audio = sound(0.5, channels=2)
    _, part = leave(settings, captures, audio, channels=2)
    with part.open("r+b") as file:
        file.write(bytes(HEADER_BYTES))
    hand_over()
    found = read(only_record().recording_path)
    assert found.shape == (RATE_HZ // 2, 2)
    assert found.tobytes() == audio


@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_of_which_the_database_knows_nothing_is_queued_as_recovered(
    settings: Settings, store: Store, hand_over: HandOver, channels: int
) -> None:
    audio = sound(0.5, channels)
    part = leave_file(settings, "unknown", audio, channels)
    began = 1_700_000_000
    os.utime(part, (began, began))
    hand_over()
    record = only_record()
    assert record.title == time.strftime("Recovered %Y-%m-%d %H:%M", time.localtime(began))
    assert (record.source, record.session_id) == ("capture", str(uuid.UUID(record.session_id)))
    assert read(record.recording_path).tobytes() == audio
    assert json.loads(Capture.get().verdict)["recovered"] is True
    assert list(settings.recording.iterdir()) == []


def test_an_unknown_file_without_audio_is_dropped(
    settings: Settings, store: Store, hand_over: HandOver
) -> None:
    leave_file(settings, "unknown", b"")
    hand_over()
    assert (Record.select().count(), Capture.select().count()) == (0, 0)
    assert list(settings.recording.iterdir()) == []


def test_recordings_outlive_a_database_that_is_lost(
    settings: Settings, store: Store, hand_over: HandOver
) -> None:
    killed_in_mid_recording(settings)
    Capture.delete().execute()
    hand_over()
    assert only_record().title.startswith("Recovered ")


def test_other_files_in_the_folder_are_left_alone(
    settings: Settings, store: Store, hand_over: HandOver
) -> None:
    notes = settings.recording / "notes.txt"
    notes.write_text("mine")
    hand_over()
    assert notes.read_text() == "mine"
    assert Record.select().count() == 0


def test_nothing_is_written_over_on_the_way_to_the_inbox(
    settings: Settings, captures: Captures, hand_over: HandOver
) -> None:
    taken = settings.inbox / "call.wav"
    taken.write_bytes(b"precious")
    (settings.inbox / "call (2).wav").write_bytes(b"too")
    audio = sound(0.5)
    session_id, _ = leave(settings, captures, audio, place=taken)
    hand_over()
    assert taken.read_bytes() == b"precious"
    record = only_record()
    assert is_ms_okafors(record, session_id)
    assert record.recording_path == str(settings.inbox / "call (3).wav")
    assert Capture.get().recording_path == record.recording_path
    assert read(record.recording_path).tobytes() == audio


def test_a_recovered_recording_whose_place_is_gone_goes_to_the_inbox(
    settings: Settings, captures: Captures, hand_over: HandOver, tmp_path: Path
) -> None:
    (tmp_path / "stick").touch()
    session_id, _ = leave(settings, captures, sound(0.5), place=tmp_path / "stick" / "call.wav")
    hand_over()
    record = only_record()
    assert is_ms_okafors(record, session_id)
    assert Path(record.recording_path).parent == settings.inbox
    assert read(record.recording_path).any()


def test_one_recording_that_cannot_be_moved_does_not_hold_up_the_next(
    settings: Settings, captures: Captures, hand_over: HandOver
) -> None:
    stuck, part = leave(settings, captures, sound(0.5), title="stuck", started_at=1.0)
    audio = part.read_bytes()
    part.unlink()
    part.mkdir()  # what cannot be opened as a file
    leave(settings, captures, sound(0.5), title="next", started_at=2.0)
    hand_over()
    assert only_record().title == "next"
    part.rmdir()
    part.write_bytes(audio)
    hand_over()
    assert Record.get(Record.session_id == stuck).title == "stuck"


# Killed between the move and the insert


def test_inbox_and_recorder_that_come_by_at_once_queue_each_recording_once(
    settings: Settings, captures: Captures
) -> None:
    left = dict(leave_moved(settings, captures, sound(0.2, seed=number)) for number in range(40))
    with ExitStack() as at_end:
        both = [at_end.enter_context(process(settings, code)) for code in (HANDS_OVER, SWEEPS)]
        assert [first_line(started) for started in both] == ["ready", "ready"]
        for started in both:
            assert started.stdin
            started.stdin.write("\n")
            started.stdin.flush()
        assert [started.wait(60) for started in both] == [0, 0]
    found = list(Record.select())
    assert {record.session_id: Path(record.recording_path) for record in found} == left
    assert len(found) == len(left)
    assert all(is_ms_okafors(record, record.session_id) for record in found)
    assert {capture.state for capture in Capture.select()} == {QUEUED}


def test_a_recording_that_has_left_for_the_library_meanwhile_is_not_lost(
    settings: Settings, captures: Captures, hand_over: HandOver, inbox: Inbox, store: Store
) -> None:
    session_id, path = leave_moved(settings, captures, sound(0.5))
    inbox.sweep()
    captures.change(session_id, state=ENDED)  # as a recorder does that is just about to hand it over
    moved = path.replace(settings.library / "call.wav")
    store.records.note_move(only_record().id, str(moved), {})
    hand_over()
    assert captures.get(session_id).state == QUEUED
    record = only_record()
    assert is_ms_okafors(record, session_id)
    assert record.recording_path == str(moved)


def test_a_recording_of_which_nothing_is_left_is_forgotten(
    settings: Settings, captures: Captures, hand_over: HandOver
) -> None:
    _, path = leave_moved(settings, captures, sound(0.5))
    path.unlink()
    hand_over()
    assert (Record.select().count(), Capture.select().count()) == (0, 0)


# In the inbox


def test_two_recordings_that_sound_the_same_are_two(
    settings: Settings, captures: Captures, hand_over: HandOver, inbox: Inbox
) -> None:
    for candidate_id in ("c-1", "c-2"):
        leave(settings, captures, bytes(RATE_HZ), candidate_id=candidate_id)
    hand_over()
    inbox.sweep()
    first, second = Record.select().order_by(Record.candidate_id)
    assert first.sha256 == second.sha256
    assert (first.candidate_id, second.candidate_id) == ("c-1", "c-2")
    assert first.recording_path != second.recording_path
    assert [row.outcome for row in InboxFile.select()] == [ADOPTED, ADOPTED]


def test_two_recordings_that_sound_the_same_are_two_for_the_inbox_as_well(
    settings: Settings, captures: Captures, inbox: Inbox
) -> None:
    left = [leave_moved(settings, captures, bytes(RATE_HZ))[0] for _ in range(2)]
    inbox.sweep()
    assert {record.session_id for record in Record.select()} == set(left)
    assert [row.outcome for row in InboxFile.select()] == [ADOPTED, ADOPTED]


def test_what_is_dropped_later_under_the_name_of_a_recording_is_not_taken_for_it(
    settings: Settings, captures: Captures, hand_over: HandOver, inbox: Inbox, store: Store
) -> None:
    session_id, path = leave_moved(settings, captures, sound(0.5))
    hand_over()
    inbox.sweep()
    claim = store.claims.claim(only_record().id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    store.claims.complete(claim, [])
    path.unlink()
    inbox.sweep()
    writer = WavWriter(path, 1)
    writer.write(sound(0.5, seed=9))
    writer.close()
    inbox.sweep()
    captured, dropped = Record.select().order_by(Record.id)
    assert is_ms_okafors(captured, session_id)
    assert (dropped.source, dropped.candidate_id, dropped.sha256) == ("inbox", None, sha256_of(path))


# Deleted


def test_deleting_a_recording_deletes_what_capture_knew_of_it_and_no_more(
    settings: Settings, captures: Captures, hand_over: HandOver, store: Store
) -> None:
    left = [leave(settings, captures, sound(0.5, seed=number))[0] for number in range(2)]
    for session_id in left:
        levels = SideLevels(50, b"\x10" * 25, b"\xff" * 25)
        captures.note(session_id, {"duration_seconds": 0.5}, {0: levels})
    hand_over()
    store.records.delete(Record.get(Record.session_id == left[0]).id)
    assert [capture.session_id for capture in Capture.select()] == [left[1]]
    assert captures.levels(left[0]) is None
    assert captures.levels(left[1]) == levels
    assert Loudness.select().count() == 1
    hand_over()
    assert only_record().session_id == left[1]


RECORDS_WHEN_TOLD = RECORDS.replace(
    "    state =", '    print("ready", flush=True)\n    sys.stdin.readline()\n    state ='
)

HOLDS = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""


def test_the_recording_of_a_living_process_is_left_to_it_though_it_has_no_row_yet(
    settings: Settings, store: Store
) -> None:
    with (
        RecordingSession(settings, store=store) as other,
        process(settings, RECORDS_WHEN_TOLD, json.dumps({"title": "living"})) as recorder,
    ):
        assert first_line(recorder) == "ready"
        with process(settings, HOLDS, str(settings.database_file)) as holder:
            assert first_line(holder) == "held"
            assert recorder.stdin
            recorder.stdin.write("\n")
            recorder.stdin.flush()
            session_id = first_line(recorder)
            release = threading.Timer(0.5, holder.kill)
            release.start()
            other.hand_over_leftovers()
            release.join()
        other.hand_over_leftovers()
        recorder.communicate("\n", timeout=30)
    record = only_record()
    assert (record.session_id, record.title) == (session_id, "living")


def test_three_recorders_that_start_at_once_queue_each_recording_once(
    settings: Settings, captures: Captures
) -> None:
    left = [leave(settings, captures, sound(0.2, seed=number))[0] for number in range(40)]
    for number in range(40):
        leave_file(settings, f"unknown-{number}", sound(0.2, seed=100 + number))
    with ExitStack() as at_end:
        recorders = [at_end.enter_context(process(settings, HANDS_OVER)) for _ in range(3)]
        assert [first_line(started) for started in recorders] == ["ready"] * 3
        for started in recorders:
            assert started.stdin
            started.stdin.write("\n")
            started.stdin.flush()
        assert [started.wait(60) for started in recorders] == [0, 0, 0]
    RecordingSession(settings).close()
    found = list(Record.select())
    assert len(found) == 80
    assert set(left) <= {record.session_id for record in found}
    assert all(read(record.recording_path).any() for record in found)
    assert len({record.recording_path for record in found}) == 80
