"""`offhook record`, `attach` and `devices` as a person uses them, beside a real capture worker."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.remains import remains
from tests.stage import ROOT, Stage
from tests.terminal import terminal

RATE_HZ = 16_000
PATIENCE_SECONDS = 20.0


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """WAVs in the place of both devices."""
    folder = tmp_path_factory.mktemp("sources")
    for seed, side in enumerate(("microphone", "loopback")):
        samples = np.random.default_rng(seed).integers(-9_000, 9_000, 60 * RATE_HZ, np.int16)
        with wave.open(str(folder / f"{side}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE_HZ)
            file.writeframes(samples.astype("<i2").tobytes())
    return {side: f"replay:{folder / side}.wav" for side in ("microphone", "loopback")}


@pytest.fixture
def stage(tmp_path: Path, devices: dict[str, str]) -> Stage:
    """A home on a machine with both devices, in which nothing runs."""
    chosen = {f"OFFHOOK_{side.upper()}": name for side, name in devices.items()}
    return Stage(tmp_path / "home", tuple(chosen.items()))


def with_settings(stage: Stage, **changes: str) -> Stage:
    changed = {f"OFFHOOK_{name.upper()}": value for name, value in changes.items()}
    return replace(stage, settings=(*stage.settings, *changed.items()))


@contextmanager
def capture(stage: Stage, **changes: str) -> Iterator[subprocess.Popen[str]]:
    """A capture worker that listens."""
    with with_settings(stage, **changes).process("capture_worker") as worker:
        wait_for((stage.home / "control.json").exists, "the capture worker")
        yield worker


@pytest.fixture
def worker(stage: Stage) -> Iterator[subprocess.Popen[str]]:
    """A capture worker with the usual settings."""
    with capture(stage) as worker:
        yield worker


def wait_for(condition: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def done(stage: Stage, *arguments: str | Path) -> str:
    """Run a command that succeeds without a word on stderr; return what it prints."""
    finished = stage.offhook(*arguments)
    assert (finished.returncode, finished.stderr) == (0, "")
    return finished.stdout


def refusal(stage: Stage, *arguments: str | Path) -> str:
    """Run a command that fails; return its one line on stderr."""
    finished = stage.offhook(*arguments)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.startswith("offhook: ")
    assert finished.stderr.count("\n") == 1
    return finished.stderr


# Start, state, stop


def test_a_call_is_recorded_from_the_command_line(
    stage: Stage, worker: subprocess.Popen[str], devices: dict[str, str]
) -> None:
    both = f"microphone {devices['microphone']}, loopback {devices['loopback']}"
    assert done(stage, "record", "state") == "Nothing is being recorded.\n"
    started = done(
        stage, "record", "start", "--title", "Ms. Okafor", "--candidate", "c-7", "--project", "p-3"
    )
    assert started == f"Recording: {both}. `offhook record stop` ends it.\n"
    assert re.fullmatch(rf"Recording for 0:0\d: {re.escape(both)}\n", done(stage, "record", "state"))
    stopped = done(stage, "record", "stop")
    assert re.fullmatch(r"Recording 1: 0:0\d, queued\n", stopped)
    assert re.fullmatch(r"Nothing is being recorded\. Recording 1: 0:0\d\n", done(stage, "record", "state"))
    (record,) = stage.records()
    assert (record["title"], record["source"], record["status"]) == ("Ms. Okafor", "capture", "queued")
    assert (record["candidate_id"], record["project_id"]) == ("c-7", "p-3")
    assert Path(record["recording_path"]).parent == stage.inbox
    assert Path(record["recording_path"]).exists()


def test_programs_get_json(stage: Stage, worker: subprocess.Popen[str], devices: dict[str, str]) -> None:
    assert stage.read("record", "state")["state"] == "idle"
    started = stage.read("record", "start", "--title", "Ms. Okafor")
    assert (started["state"], started["title"]) == ("recording", "Ms. Okafor")
    assert {side: started[side] for side in devices} == devices
    assert stage.read("record", "state")["session_id"] == started["session_id"]
    outcome = stage.read("record", "stop")
    assert (outcome["session_id"], outcome["record_id"]) == (started["session_id"], 1)
    assert (outcome["reason"], outcome["error"]) == ("asked", None)
    assert stage.read("record", "state")["last"] == outcome


def test_a_recording_goes_where_it_is_told_seen_from_where_the_person_is(
    stage: Stage, worker: subprocess.Popen[str], tmp_path: Path
) -> None:
    options = {"cwd": tmp_path, "env": stage.environment | {"PYTHONPATH": str(ROOT)}}
    assert stage.offhook("record", "start", "-o", "calls/call.wav", **options).returncode == 0
    done(stage, "record", "stop")
    assert stage.records()[0]["recording_path"] == str(tmp_path / "calls" / "call.wav")
    assert (tmp_path / "calls" / "call.wav").exists()
    again = stage.offhook("record", "start", "-o", "calls/call.wav", **options)
    assert (again.returncode, again.stdout) == (1, "")
    assert "call.wav" in again.stderr


def test_what_is_to_be_minded_is_said_on_stderr(stage: Stage) -> None:
    with capture(stage, loopback="default", consent_reminder="Ask before you record."):
        for command in ("start", "state"):
            finished = stage.offhook("record", command)
            assert finished.returncode == 0
            assert finished.stderr.splitlines() == [
                "There is no loopback: only the microphone is recorded.",
                "Ask before you record.",
            ]
        assert "loopback" not in finished.stdout


def test_what_cannot_be_done_is_said_in_a_line(stage: Stage, worker: subprocess.Popen[str]) -> None:
    for command, words in (
        (("record", "stop"), "No recording is running."),
        (("record", "discard"), "There is no recording to discard."),
        (("record", "discard", "--yes"), "There is no recording to discard."),
        (("attach", "0-0", "--candidate", "c-1"), "There is no recording with the session id 0-0."),
    ):
        assert refusal(stage, *command) == f"offhook: {words}\n"


def test_a_second_start_is_refused_and_the_recording_goes_on(
    stage: Stage, worker: subprocess.Popen[str]
) -> None:
    session_id = stage.read("record", "start")["session_id"]
    assert refusal(stage, "record", "start") == (
        "offhook: A recording is running. Stop it before the next one.\n"
    )
    assert stage.read("record", "state")["session_id"] == session_id


@pytest.mark.parametrize("command", ["start", "stop", "state", "discard"])
def test_without_a_capture_worker_the_remedy_is_named(stage: Stage, command: str) -> None:
    assert refusal(stage, "record", command) == (
        "offhook: No capture worker runs. Start one: python start.py\n"
    )


def test_a_killed_capture_worker_is_missed_as_well(stage: Stage) -> None:
    with capture(stage) as worker:
        worker.kill()
        worker.wait()
        assert (stage.home / "control.json").exists()
        assert "python start.py" in refusal(stage, "record", "start")


def test_a_recording_that_has_ended_by_itself_says_why(stage: Stage) -> None:
    with capture(stage, longest_recording_minutes="0.01"):
        done(stage, "record", "start")
        wait_for(lambda: stage.read("record", "state")["state"] == "idle", "the end")
        said = done(stage, "record", "state")
        assert "(it had become as long as `longest_recording_minutes` allows)" in said
        assert "ended by itself: longest_recording" in refusal(stage, "record", "stop")


# Manual


def test_a_recording_that_waits_is_attached(stage: Stage) -> None:
    with capture(stage, finalise="manual"):
        session_id = stage.read("record", "start", "--title", "Ms. Okafor")["session_id"]
        stopped = done(stage, "record", "stop")
        assert re.fullmatch(
            r'Recording "Ms\. Okafor": 0:0\d, waits; `offhook attach \S+` or .* decides\n', stopped
        )
        state = done(stage, "record", "state")
        assert f"`offhook attach {session_id}`" in state
        assert "`offhook record discard`" in state
        assert stage.records() == []
        assert "attach or discard it first" in refusal(stage, "record", "start")
        assert (
            done(stage, "attach", session_id, "--candidate", "c-7") == f"Recording {session_id}: attached\n"
        )
        assert stage.records()[0]["candidate_id"] == "c-7"
        assert stage.read("record", "state")["state"] == "idle"


def test_a_recording_is_attached_by_its_number_with_or_without_a_capture_worker(stage: Stage) -> None:
    with capture(stage):
        done(stage, "record", "start")
        done(stage, "record", "stop")
        assert done(stage, "attach", "1", "--candidate", "c-7") == "Recording 1: attached\n"
    assert done(stage, "attach", "1", "--project", "p-3") == "Recording 1: attached\n"
    (record,) = stage.records()
    assert (record["candidate_id"], record["project_id"]) == ("c-7", "p-3")
    assert "There is no recording 4711" in refusal(stage, "attach", "4711", "--project", "p-3")
    assert "no recording with the session id 0-0" in refusal(stage, "attach", "0-0", "--project", "p-3")


def test_attaching_to_nobody_is_wrong_usage(stage: Stage) -> None:
    finished = stage.offhook("attach", "1")
    assert finished.returncode == 2
    assert "Give --candidate, --project or both." in finished.stderr


# Discard


def test_a_recording_is_not_discarded_unasked_by_a_program(
    stage: Stage, worker: subprocess.Popen[str]
) -> None:
    done(stage, "record", "start")
    unasked = stage.offhook("record", "discard", stdin=subprocess.DEVNULL)
    assert (unasked.returncode, unasked.stdout) == (1, "")
    assert "--yes" in unasked.stderr
    assert stage.read("record", "state")["state"] == "recording"
    assert done(stage, "record", "discard", "--yes") == "The recording is deleted.\n"
    assert stage.read("record", "state")["state"] == "idle"
    assert stage.records() == []
    assert [*(stage.home / "recording").iterdir(), *stage.inbox.iterdir()] == []


@pytest.mark.parametrize(("answer", "code", "state"), [("n", 1, "recording"), ("y", 0, "idle")])
def test_discard_asks_a_person(
    stage: Stage, worker: subprocess.Popen[str], answer: str, code: int, state: str
) -> None:
    done(stage, "record", "start", "--title", "Ms. Okafor")
    with terminal(stage, "record", "discard") as person:
        person.wait_for(r'Delete "Ms\. Okafor", 0:0\d long\?')
        person.type(f"{answer}\n")
        assert person.ends() == code
        assert ("The recording is deleted." in person.shown) is (answer == "y")
    assert stage.read("record", "state")["state"] == state


def test_no_file_names_a_discarded_recording(stage: Stage, worker: subprocess.Popen[str]) -> None:
    title = "Hollingsworthy"
    with stage.process("transcribe_worker"):
        done(stage, "record", "start", "--title", title, "--candidate", "K-7731-lindqvist")
        assert remains(stage.home, [title])
        done(stage, "record", "discard", "--yes")
        wait_for(lambda: not remains(stage.home, [title, "K-7731-lindqvist"]), "the title to go")


# Watch


def test_watch_says_when_there_is_nothing_to_watch(stage: Stage, worker: subprocess.Popen[str]) -> None:
    assert done(stage, "record", "watch") == "Nothing is being recorded.\n"
    with terminal(stage, "record", "watch") as person:
        assert person.ends() == 0
        assert person.shown.strip() == "Nothing is being recorded."


def test_watch_shows_both_sides_until_the_recording_ends(stage: Stage, worker: subprocess.Popen[str]) -> None:
    done(stage, "record", "start", "--title", "Ms. Okafor")
    with terminal(stage, "record", "watch") as person:
        person.wait_for(r"● 0:0\d  Ms\. Okafor")
        for side in ("microphone", "loopback"):
            level = person.wait_for(rf"{side} +━+[^\n]* -\d+\.\d dBFS")
            assert 14 < float(re.search(r"-(\d+\.\d) dBFS", level)[1]) < 18  # type: ignore[index]
        assert person.process.poll() is None
        done(stage, "record", "stop")
        assert person.ends() == 0
        ending = r"Nothing is being recorded\. Recording 1: 0:0\d\s+Transcript: offhook show 1\s*$"
        assert re.search(ending, person.shown)


def test_watch_shows_what_is_to_be_minded_and_why_a_recording_has_ended(stage: Stage) -> None:
    with capture(stage, longest_recording_minutes="0.03", consent_reminder="Ask before you record."):
        stage.offhook("record", "start")
        with terminal(stage, "record", "watch") as person:
            person.wait_for("Ask before you record.")
            assert person.ends() == 0
            person.wait_for(r"\(it had become")


def test_leaving_watch_leaves_the_recording_running(stage: Stage, worker: subprocess.Popen[str]) -> None:
    done(stage, "record", "start")
    with terminal(stage, "record", "watch") as person:
        person.wait_for("dBFS")
        person.process.send_signal(signal.SIGINT)
        assert person.ends() == 0
        assert "The recording continues. `offhook record stop` ends it." in person.shown
        assert "Traceback" not in person.shown
    assert stage.read("record", "state")["state"] == "recording"


def test_watch_ends_with_the_capture_worker_that_is_killed(
    stage: Stage, worker: subprocess.Popen[str]
) -> None:
    done(stage, "record", "start")
    with terminal(stage, "record", "watch") as person:
        person.wait_for("dBFS")
        threading.Timer(0.2, worker.kill).start()
        person.ends()
        assert "Traceback" not in person.shown


# Devices


def test_the_devices_are_listed_without_a_capture_worker(stage: Stage, devices: dict[str, str]) -> None:
    shown = done(stage, "devices")
    for side, name in devices.items():
        assert re.search(rf"● +{side} +{re.escape(name)} +16 kHz +1", shown)
    found = stage.read("devices")
    assert {side: found[side]["name"] for side in devices} == devices
    assert len(found["devices"]) == 2
    json.dumps(found)


def test_a_side_that_would_not_be_recorded_is_named(stage: Stage) -> None:
    finished = with_settings(stage, loopback="none").offhook("devices")
    assert finished.returncode == 0
    assert "microphone" in finished.stdout
    assert finished.stderr == "No loopback would be recorded.\n"


def test_a_replay_that_is_not_there_is_named(stage: Stage, tmp_path: Path) -> None:
    missing = with_settings(stage, microphone=f"replay:{tmp_path / 'gone.wav'}")
    assert "gone.wav cannot be replayed" in refusal(missing, "devices")


@pytest.mark.skipif(sys.platform != "linux", reason="asks for a sound server")
def test_without_a_sound_server_the_remedy_is_named(stage: Stage, tmp_path: Path) -> None:
    bare = Stage(stage.home, (("PULSE_SERVER", f"unix:{tmp_path / 'nobody'}"),))
    assert "Start PulseAudio" in refusal(bare, "devices")


def test_watch_says_that_the_capture_worker_has_ended(stage: Stage, worker: subprocess.Popen[str]) -> None:
    done(stage, "record", "start")
    with terminal(stage, "record", "watch") as person:
        person.wait_for("dBFS")
        worker.kill()
        assert person.ends() == 1
        assert "The capture worker has ended." in person.shown


def test_a_recording_that_waits_is_attached_though_no_worker_runs(stage: Stage) -> None:
    with capture(stage, finalise="manual"):
        session_id = stage.read("record", "start")["session_id"]
        done(stage, "record", "stop")
    done(stage, "attach", session_id, "--candidate", "c-7")
    with capture(stage, finalise="manual"):
        record = stage.wait_for(lambda: next(iter(stage.records()), None), "the recording")
        assert (record["session_id"], record["candidate_id"]) == (session_id, "c-7")
        assert stage.read("record", "state")["state"] == "idle"


def test_without_a_sound_server_devices_says_why(stage: Stage, tmp_path: Path) -> None:
    nowhere = {"PULSE_SERVER": f"unix:{tmp_path / 'nobody'}", "XDG_RUNTIME_DIR": str(tmp_path)}
    deaf = replace(stage, settings=tuple(nowhere.items()))
    done = deaf.offhook("devices")
    assert (done.returncode, done.stdout) == (1, "")
    found = deaf.read("devices")
    assert found["reason"] in done.stderr
    assert [found[name] for name in ("microphone", "loopback", "devices")] == [None, None, []]
