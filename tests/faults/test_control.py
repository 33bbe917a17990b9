"""Whoever commands offhook, and how: at once, in the wrong order, rudely, or by pulling the plug."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

import installer
from offhook.desk.recorder import CaptureClient, Refused
from tests.control import connect, first_request, second_request
from tests.stage import ROOT, Stage
from tests.standstill import claimed, peek, under_way
from tests.voices import Call

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")
ROUNDS = 5
PATIENCE_SECONDS = 20.0
ENDED_SECONDS = 5.0  # honcho kills what takes longer


@contextmanager
def recorder(stage: Stage) -> Iterator[subprocess.Popen[str]]:
    """A capture worker that listens."""
    with stage.process("capture_worker") as process:
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        yield process


def client(stage: Stage) -> CaptureClient:
    return CaptureClient(stage.home / "control.json")


def length_seconds(path: str | Path) -> float:
    """How long a recording is that is not silent."""
    with wave.open(str(path)) as file:
        assert any(file.readframes(file.getnframes()))
        return file.getnframes() / file.getframerate()


# At once, and in the wrong order


def test_of_two_clients_that_start_at_once_one_wins_and_the_other_is_told(desk: Stage) -> None:
    with recorder(desk), client(desk) as one, client(desk) as other, ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            together = threading.Barrier(2)

            def start(who: CaptureClient, together: threading.Barrier = together) -> str:
                together.wait()
                try:
                    return str(who.request("start_recording")["session_id"])
                except Refused as refused:
                    return refused.code

            outcomes = set(threads.map(start, (one, other)))
            assert outcomes == {"already_recording", one.request("get_recording_state")["session_id"]}
            outcome = other.request("stop_recording")
            assert outcome["session_id"] in outcomes
    assert len(desk.records()) == len(list(desk.inbox.iterdir())) == ROUNDS


def test_what_the_state_does_not_allow_is_refused_and_changes_nothing(desk: Stage) -> None:
    unknown = ("attach", "00000000-0000-0000-0000-000000000000", "--candidate", "c-1")
    with recorder(desk), client(desk) as capture:

        def everything() -> tuple[object, ...]:
            """The state of the recorder and all that is known of recordings, without what grows by itself."""
            state = capture.request("get_recording_state") | {"duration_seconds": 0}
            return state, *(
                peek(desk.database, f"SELECT * FROM {table}") for table in ("call_records", "captures")
            )

        def refuses(*command: str, why: str) -> None:
            before = everything()
            done = desk.offhook(*command)
            assert (done.returncode, done.stdout) == (1, ""), done
            assert why in done.stderr
            assert everything() == before

        refuses("record", "stop", why="No recording is running")
        refuses("record", "discard", "--yes", why="There is no recording to discard")
        refuses(*unknown, why="There is no recording with the session id")
        with pytest.raises(Refused) as refused:
            capture.request("attach_recording", session_id=unknown[1])
        assert refused.value.code == "unknown_session"
        assert desk.offhook("record", "start").returncode == 0
        refuses("record", "start", why="A recording is running")
        refuses(*unknown, why="There is no recording with the session id")
        assert desk.offhook("record", "stop").returncode == 0
        refuses("record", "stop", why="No recording is running")
        refuses("record", "discard", "--yes", why="There is no recording to discard")
        for action in ("stop_recording", "discard_recording"):
            with pytest.raises(Refused) as refused:
                capture.request(action)
            assert refused.value.code == "not_recording"
    assert [record["status"] for record in desk.records()] == ["queued"]


# Rude clients


class Rude:
    """A connection to the capture worker that sends what it likes."""

    def __init__(self, stage: Stage) -> None:
        self._control = stage.home / "control.json"
        self._socket = connect(self._control, PATIENCE_SECONDS)

    def send(self, data: bytes) -> bool:
        """Send all of it; False if the other side has hung up."""
        try:
            self._socket.sendall(data)
        except ConnectionError:
            return False
        return True

    def ask(self, action: str, **params: str) -> None:
        self.send(json.dumps({"id": 1, "action": action, "params": params}).encode() + b"\n")

    def authenticate(self) -> None:
        """Prove the token."""
        first = first_request()
        self.ask("authenticate", **first)
        answer = self._line()
        self.ask("authenticate", **second_request(self._control, first, json.loads(answer)["result"]))
        assert json.loads(self._line())["ok"]

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            line += self._socket.recv(1)
        return line

    def is_dropped(self) -> bool:
        """Read until the other side hangs up; False if it does not within a while."""
        try:
            while self._socket.recv(65_536):
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True

    def close(self) -> None:
        self._socket.close()


RUBBISH = (b"garbage\n", b"x" * 10_000_000, b"{}\n" * 1000, b"\0" * 100_000)
NO_TOKEN = (
    b'{"id": 1, "action": "authenticate", "params": {"nonce": "0123456789abcdef"}}\n'
    b'{"id": 2, "action": "authenticate", "params": {"proof": "guess"}}\n',
    b'{"id": 1, "action": "stop_recording"}\n',
    b"GET / HTTP/1.1\r\n",
)


def test_clients_that_are_rude_are_dropped_and_the_recording_goes_on(desk: Stage) -> None:
    """Garbage, 10 MB without a newline, a wrong token, none at all, and one that never reads."""
    with recorder(desk), client(desk) as capture:
        session_id = capture.request("start_recording")["session_id"]
        began = time.monotonic()
        for authenticated, data in [(True, line) for line in RUBBISH] + [(False, line) for line in NO_TOKEN]:
            with closing(Rude(desk)) as rude:
                if authenticated:
                    rude.authenticate()
                rude.send(data)
                assert rude.is_dropped(), data[:40]
            state = capture.request("get_recording_state")
            assert (state["state"], state["session_id"]) == ("recording", session_id)
        with closing(Rude(desk)) as deaf:
            deaf.authenticate()
            deaf.ask("subscribe_levels")
            deadline = time.monotonic() + PATIENCE_SECONDS
            while deaf.send(b'{"action": "get_recording_state"}\n'):
                assert time.monotonic() < deadline, "it was never dropped"
        ran_seconds = time.monotonic() - began
        outcome = capture.request("stop_recording")
    assert (outcome["session_id"], outcome["error"]) == (session_id, None)
    assert [side["gaps"] for side in outcome["verdict"]["sides"].values()] == [0, 0]
    assert length_seconds(outcome["recording_path"]) > ran_seconds - 0.1


# Ended


@POSIX_ONLY
@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_recorder_that_is_told_to_stop_finishes_its_recording_and_queues_it(desk: Stage, how: str) -> None:
    with recorder(desk) as process:
        assert desk.offhook("record", "start", "--title", "Call", "--candidate", "c-7").returncode == 0
        running_seconds = desk.read("record", "state")["duration_seconds"]
        told = time.monotonic()
        process.send_signal(signal.Signals[how])
        assert process.wait(15) == 0
        assert time.monotonic() - told < ENDED_SECONDS
    (record,) = desk.records()
    assert (record["title"], record["candidate_id"], record["status"]) == ("Call", "c-7", "queued")
    assert length_seconds(record["recording_path"]) > running_seconds
    assert list((desk.home / "recording").iterdir()) == []
    assert {path.name for path in (desk.home / "locks").iterdir()} == {"capture-server.lock", "reserve"}
    assert not (desk.home / "control.json").exists()


def test_a_stopped_worker_hands_its_recording_back_without_counting_an_attempt(
    stage: Stage, call: Call, undisturbed: str
) -> None:
    path = stage.drop_call(call, "call.wav")
    with stage.process("transcribe_worker") as worker:
        stage.offhook("add", path)
        under_way(stage, "call")
        told = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0
        assert time.monotonic() - told < ENDED_SECONDS
    (record,) = stage.records()
    assert (record["status"], record["attempts"], record["crashes"]) == ("queued", 0, 0)
    assert stage.running() == []
    with stage.process("transcribe_worker"):
        record = stage.finished("call")
    assert (record["attempts"], record["crashes"]) == (1, 0)
    assert stage.text(record) == undisturbed


@POSIX_ONLY
@pytest.mark.parametrize("how", ["SIGINT", "SIGHUP"])
def test_a_worker_that_is_interrupted_or_loses_its_terminal_hands_its_recording_back_as_well(
    stage: Stage, call: Call, how: str
) -> None:
    path = stage.drop_call(call, "call.wav")
    with stage.process("transcribe_worker") as worker:
        stage.offhook("add", path)
        claimed(stage, attempt=1)
        worker.send_signal(signal.Signals[how])
        assert worker.wait(15) == 0
    (record,) = stage.records()
    assert (record["status"], record["attempts"], record["crashes"]) == ("queued", 0, 0)


@POSIX_ONLY
def test_an_interrupted_transcription_stays_in_the_queue(stage: Stage, long_call: Call) -> None:
    path = stage.drop_call(long_call, "call.wav")
    command = [sys.executable, "-m", "offhook", "transcribe", str(path)]
    with subprocess.Popen(
        command, env=stage.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as interrupted:
        stage.wait_for(
            lambda: (record := stage.record("call")) and record["status"] == "processing", "the work to begin"
        )
        interrupted.send_signal(signal.SIGTERM)
        _, said = interrupted.communicate(timeout=30)
    assert interrupted.returncode == 130
    assert "It stays in the queue" in said
    record = stage.record("call")
    assert record is not None
    assert (record["status"], record["attempts"]) == ("queued", 0)
    assert stage.read("status")["workers"] == []


# Everything at once

HONCHO = (sys.executable, "-m", "honcho", "start", "-f", "Procfile")
START = (sys.executable, "start.py")


def ctrl_c(pid: int) -> None:
    """As a terminal does: to all in the foreground."""
    os.killpg(pid, signal.SIGINT)


def terminal_closed(pid: int) -> None:
    os.killpg(pid, signal.SIGHUP)


def terminated(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)


@contextlib.contextmanager
def nothing_ignored() -> Iterator[None]:
    """What is started now gets these signals, also where tests run in the background or under nohup."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


@POSIX_ONLY
@pytest.mark.parametrize(
    ("command", "end"),
    [(HONCHO, ctrl_c), (HONCHO, terminated), (START, ctrl_c), (START, terminal_closed)],
    ids=lambda value: value.__name__ if callable(value) else value[-1],
)
def test_all_that_is_stopped_at_once_loses_neither_the_call_nor_the_work(
    desk: Stage, checkout: Path, call: Call, command: tuple[str, ...], end: Callable[[int], None]
) -> None:
    """In a recording and in a transcription at once, with the processes of the Procfile."""
    user = dict.fromkeys(("HOME", "LOCALAPPDATA"), str(checkout))  # start.py makes a launcher there
    user |= {"OFFHOOK_LIVE_QUEUE": "share"}
    with (desk.home.parent / "processes.log").open("w") as log:
        with nothing_ignored():
            started = subprocess.Popen(
                command,
                cwd=checkout,
                env=desk.environment | user,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            desk.wait_for(lambda: {"worker", "inbox", "capture"} <= set(desk.running()), "all of them")
            desk.drop_call(call, "dropped.wav")
            assert desk.offhook("record", "start", "--title", "Recorded").returncode == 0
            under_way(desk, "dropped")
            end(started.pid)
            started.wait(15)
            desk.wait_for(lambda: desk.running() == [], "the last of them to end")
        finally:
            left = peek(desk.home / "offhook.db", "SELECT pid FROM workers")
            for pid in (started.pid, *(pid for (pid,) in left)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            started.wait()
    dropped, recorded = desk.records()
    assert (dropped["status"], dropped["attempts"], dropped["crashes"]) == ("queued", 0, 0)
    assert (recorded["title"], recorded["status"]) == ("Recorded", "queued")
    assert length_seconds(recorded["recording_path"]) > 0.5
    assert list((desk.home / "recording").iterdir()) == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The checkout, installed as far as start.py knows, in the environment that runs this test."""
    folder = tmp_path / "checkout"
    program = folder / ".venv" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    program.chmod(0o755)
    for name in (
        "start.py",
        "installer.py",
        "launcher.py",
        "Procfile",
        *("pyproject.toml", "constraints.txt", "constraints-dev.txt"),
    ):
        shutil.copy(ROOT / name, folder)
    for name in ("shared", "archive", "capture_worker", "transcribe_worker", "offhook"):
        (folder / name).symlink_to(ROOT / name)
    installer.write_stamp(
        folder / ".venv" / "offhook-installed", installer.fingerprint_of(folder), {"tiny-en"}
    )
    return folder
