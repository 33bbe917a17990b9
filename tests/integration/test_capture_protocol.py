"""The capture worker as its clients see it: real processes over stdio and the socket, killed for real."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from numpy.typing import NDArray
from peewee import SqliteDatabase

from capture_worker.control.client import MOST_WAITING, Audience, Client
from capture_worker.control.protocol import ACTIONS, LONGEST_LINE_BYTES, SUBSCRIBE_LEVELS
from shared.settings import Settings
from shared.store.models import Capture, Loudness, Record
from tests.control import connect, described, first_request, second_request
from tests.stage import ROOT, Stage, end

RATE_HZ = 16_000
PATIENCE_SECONDS = 20.0
POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")

Start = Callable[..., "Conversation"]


@dataclass
class Conversation:
    """A client's side of the protocol: what it asks, and what comes in between."""

    reader: BinaryIO
    writer: BinaryIO
    events: list[dict[str, Any]] = field(default_factory=list)
    last_id: int = 0

    def send(self, line: bytes) -> None:
        self.writer.write(line + b"\n")
        self.writer.flush()

    def close(self) -> None:
        for end_ in (self.reader, self.writer):
            with contextlib.suppress(OSError):
                end_.close()

    def read(self) -> dict[str, Any]:
        """The next message; every line is one, and strict JSON."""
        line = self.reader.readline()
        assert line, "the other side is gone"
        found: dict[str, Any] = json.loads(line)
        return found

    def reply(self) -> dict[str, Any]:
        """The next message that is no event."""
        while "type" in (found := self.read()):
            self.events.append(found)
        return found

    def ask(self, action: str, **params: Any) -> dict[str, Any]:
        """Send a request and return its reply."""
        self.last_id += 1
        self.send(json.dumps({"id": self.last_id, "action": action, "params": params}).encode())
        reply = self.reply()
        assert reply["id"] == self.last_id
        return reply

    def do(self, action: str, **params: Any) -> dict[str, Any]:
        """Have something done and return the result."""
        reply = self.ask(action, **params)
        assert reply["ok"], reply
        assert set(reply) == {"id", "ok", "result"}
        result: dict[str, Any] = reply["result"]
        return result

    def refused(self, action: str, **params: Any) -> str:
        """Ask for what is refused and return the code."""
        reply = self.ask(action, **params)
        assert not reply["ok"], reply
        assert set(reply) == {"id", "ok", "error"}
        assert set(reply["error"]) == {"code", "message"}
        assert reply["error"]["message"]
        code: str = reply["error"]["code"]
        return code

    def state(self) -> str:
        found: str = self.do("get_recording_state")["state"]
        return found

    def event(self, kind: str) -> dict[str, Any]:
        """Wait for the next event of a kind."""
        while (found := self.read()).get("type") != kind:
            self.events.append(found)
        return found

    def is_over(self) -> bool:
        """Read until the other side hangs up; False if it does not within a few seconds."""
        try:
            while self.reader.readline():
                pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True


@dataclass
class Home:
    """A home in which a capture worker runs, and those who talk to it."""

    settings: Settings
    conversations: list[Conversation] = field(default_factory=list)

    @property
    def log(self) -> Path:
        """What the workers have said on stderr."""
        return self.settings.home.parent / "capture.log"

    @property
    def environment(self) -> dict[str, str]:
        names = ("microphone", "loopback", "finalise", "log_level", "longest_recording_minutes")
        changed = {f"OFFHOOK_{name.upper()}": str(getattr(self.settings, name)) for name in names}
        return Stage(self.settings.home, tuple(changed.items())).environment

    @contextmanager
    def worker(self, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """A capture worker, stopped in good order afterwards."""
        command = [sys.executable, "-m", "capture_worker", *arguments]
        with self.log.open("ab") as log:
            given: dict[str, Any] = {"cwd": ROOT, "env": self.environment, "stderr": log}
            worker = subprocess.Popen(command, **given | options)
        try:
            yield worker
        finally:
            for stream in filter(None, (worker.stdin, worker.stdout)):
                with contextlib.suppress(OSError):
                    stream.close()
            end(worker)

    def control(self) -> dict[str, Any]:
        """Wait until a worker listens; return what control.json says."""
        wait_for(self.settings.control.exists, "control.json")
        return described(self.settings.control)

    def connect(self) -> Conversation:
        """Connect without the token."""
        self.control()
        with connect(self.settings.control, 15) as connection:
            conversation = Conversation(connection.makefile("rb"), connection.makefile("wb"))
        self.conversations.append(conversation)
        return conversation

    def client(self) -> Conversation:
        """Connect with the token."""
        client = self.connect()
        first = first_request()
        answered = client.do("authenticate", **first)
        client.do("authenticate", **second_request(self.settings.control, first, answered))
        return client


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)
    return found


def sound(path: Path, seed: int, seconds: float = 60.0) -> Path:
    samples = np.random.default_rng(seed).integers(-9_000, 9_000, round(seconds * RATE_HZ), np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read(path: Path | str) -> NDArray[np.int16]:
    """Read a finished recording that is not silent."""
    with wave.open(str(path), "rb") as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert len(pcm) == file.getnframes() * file.getnchannels()
    assert pcm.any()
    return pcm


def only_record() -> Any:
    (record,) = Record.select()
    return record


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """WAVs in the place of both devices."""
    folder = tmp_path_factory.mktemp("sources")
    sides = ("microphone", "loopback")
    return {side: f"replay:{sound(folder / f'{side}.wav', seed)}" for seed, side in enumerate(sides)}


@pytest.fixture
def settings(settings: Settings, devices: dict[str, str]) -> Settings:
    """Settings of a fresh home on a machine with both devices."""
    return replace(settings, **devices)


@pytest.fixture
def home(settings: Settings, database: SqliteDatabase) -> Iterator[Home]:
    """A fresh home."""
    home = Home(settings)
    yield home
    for conversation in home.conversations:
        conversation.close()


@pytest.fixture
def listening(home: Home) -> Iterator[Home]:
    """A home in which a capture worker listens."""
    with home.worker():
        home.control()
        yield home


@pytest.fixture(params=["stdio", "socket"])
def client(request: pytest.FixtureRequest, home: Home) -> Iterator[Conversation]:
    """A client over either way; what follows holds for both."""
    if request.param == "socket":
        with home.worker():
            yield home.client()
    else:
        with spoken_to(home) as (_, conversation):
            yield conversation


@contextmanager
def spoken_to(home: Home, **options: Any) -> Iterator[tuple[subprocess.Popen[bytes], Conversation]]:
    """A capture worker that speaks over stdio."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with home.worker("--stdio", **pipes | options) as worker:
        assert worker.stdin
        assert worker.stdout
        yield worker, Conversation(worker.stdout, worker.stdin)


# What can be asked


def test_a_call_is_started_watched_attached_and_stopped(
    client: Conversation, devices: dict[str, str]
) -> None:
    assert client.state() == "idle"
    started = client.do("start_recording", title="Ms. Okafor", candidate_id="c-1")
    assert (started["state"], started["title"], started["candidate_id"]) == ("recording", "Ms. Okafor", "c-1")
    assert {side: started[side] for side in devices} == devices
    attached = client.do("attach_recording", candidate_id="c-7", project_id="p-3")
    assert attached == {"session_id": started["session_id"], "record_id": None}
    running = client.do("get_recording_state")
    assert (running["session_id"], running["candidate_id"]) == (started["session_id"], "c-7")
    time.sleep(0.3)
    outcome = client.do("stop_recording")
    record = only_record()
    assert (outcome["record_id"], outcome["recording_path"]) == (record.id, record.recording_path)
    assert (record.session_id, record.candidate_id, record.project_id) == (
        started["session_id"],
        "c-7",
        "p-3",
    )
    read(record.recording_path)
    idle = client.do("get_recording_state")
    assert (idle["state"], idle["last"]) == ("idle", outcome)
    done = client.do("attach_recording", session_id=started["session_id"], candidate_id="c-8")
    assert done == {"session_id": started["session_id"], "record_id": record.id}
    assert only_record().candidate_id == "c-8"


def test_a_recording_goes_where_a_client_wants_it(client: Conversation, tmp_path: Path) -> None:
    wanted = tmp_path / "calls" / "Grüße.wav"
    client.do("start_recording", output_path=str(wanted))
    time.sleep(0.2)
    assert client.do("stop_recording")["recording_path"] == str(wanted)
    read(wanted)
    assert client.refused("start_recording", output_path=str(wanted)) == "FileExistsError"


def test_a_recording_is_discarded(client: Conversation, settings: Settings) -> None:
    session_id = client.do("start_recording")["session_id"]
    assert client.do("discard_recording") == {"session_id": session_id, "discarded": True}
    assert client.state() == "idle"
    assert list(settings.recording.iterdir()) == list(settings.inbox.iterdir()) == []
    assert [model.select().count() for model in (Record, Capture, Loudness)] == [0, 0, 0]


def test_the_devices_are_told(client: Conversation, devices: dict[str, str]) -> None:
    found = client.do("check_audio_devices")
    assert {side: found[side]["name"] for side in devices} == devices
    assert len(found["devices"]) == 2


def test_each_change_of_state_and_each_warning_is_told_to_all(home: Home) -> None:
    home.settings = replace(home.settings, loopback="default")
    with home.worker():
        actor, onlooker = home.client(), home.client()
        session_id = actor.do("start_recording")["session_id"]
        warning = onlooker.event("warning")
        assert (warning["code"], set(warning)) == ("loopback_missing", {"type", "code", "message"})
        state = onlooker.event("state")
        assert (state["state"], state["session_id"]) == ("recording", session_id)
        outcome = actor.do("stop_recording")
        state = onlooker.event("state")
        assert (state["state"], state["last"]) == ("idle", outcome)
        assert [event["type"] for event in actor.events] == ["warning", "state", "state"]


def test_a_recording_that_ends_by_itself_is_told(home: Home) -> None:
    home.settings = replace(home.settings, longest_recording_minutes=0.01)
    with spoken_to(home) as (_, client):
        client.do("start_recording")
        client.events.clear()
        state = client.event("state")
        assert (state["state"], state["last"]["reason"]) == ("idle", "longest_recording")
        assert client.refused("stop_recording") == "not_recording"


def test_levels_come_ten_times_a_second_to_those_who_want_them(listening: Home) -> None:
    client = listening.client()
    client.do("start_recording")
    time.sleep(0.4)
    client.state()
    assert "level" not in [event["type"] for event in client.events]
    assert client.do(SUBSCRIBE_LEVELS) == {"on": True}
    client.event("level")
    began = time.monotonic()
    levels = [client.event("level") for _ in range(20)]
    assert time.monotonic() - began == pytest.approx(2.0, abs=0.3)
    gaps = np.diff([level["seconds"] for level in levels])
    assert np.mean(gaps) == pytest.approx(0.1, abs=0.015)
    for level in levels:
        assert set(level) == {"type", "mic", "loopback", "mic_peak", "loopback_peak", "seconds"}
        assert 0.1 < level["mic"] < level["mic_peak"] < 0.3
        assert 0.1 < level["loopback"] < level["loopback_peak"] < 0.3
    assert client.do(SUBSCRIBE_LEVELS, on=False) == {"on": False}
    client.events.clear()
    time.sleep(0.4)
    client.state()
    assert client.events == []


def test_levels_go_to_nobody_else(listening: Home) -> None:
    curious, other = listening.client(), listening.client()
    curious.do(SUBSCRIBE_LEVELS)
    other.do("start_recording")
    for _ in range(3):
        curious.event("level")
    other.state()
    assert {event["type"] for event in other.events} == {"state"}


# What is refused


def test_a_line_that_is_no_request_is_answered_and_nothing_else_happens(home: Home) -> None:
    with spoken_to(home) as (_, client):
        for line in (
            *(b"garbage", b"", b"\xff\xfe", b"[" * 20_000),
            *(b"[]", b'"start_recording"', b"{}", b'{"action": 7}'),
            b'{"action": "start_recording", "params": [1]}',
        ):
            client.send(line)
            reply = client.reply()
            assert (reply["id"], reply["ok"], reply["error"]["code"]) == (None, False, "bad_request")
        assert client.state() == "idle"


def test_requests_that_mean_nothing_are_refused_and_the_client_stays(client: Conversation) -> None:
    assert client.refused("fly") == "bad_request"
    assert client.refused("authenticate", nonce="x" * 32) == "bad_request"
    assert client.refused("start_recording", colour="red") == "bad_request"
    assert client.refused("start_recording", title=7) == "bad_request"
    assert client.refused("start_recording", output_path=["a"]) == "bad_request"
    assert client.refused("stop_recording", force="yes") == "bad_request"
    assert client.state() == "idle"


def test_a_refusal_names_what_there_is(client: Conversation) -> None:
    message = client.ask("fly")["error"]["message"]
    assert all(action in message for action in ACTIONS)
    assert "candidate_id" in client.ask("start_recording", colour="red")["error"]["message"]


def test_what_the_state_does_not_allow_is_refused_and_changes_nothing(client: Conversation) -> None:
    assert client.refused("stop_recording") == "not_recording"
    assert client.refused("discard_recording") == "not_recording"
    assert client.refused("attach_recording", candidate_id="c-1") == "unknown_session"
    assert client.refused("attach_recording", session_id="0000") == "unknown_session"
    assert client.state() == "idle"
    session_id = client.do("start_recording")["session_id"]
    assert client.refused("start_recording") == "already_recording"
    assert client.refused("attach_recording", session_id="0000", candidate_id="c-1") == "unknown_session"
    state = client.do("get_recording_state")
    assert (state["state"], state["session_id"], state["candidate_id"]) == ("recording", session_id, None)
    client.do("stop_recording")
    assert client.refused("stop_recording") == "not_recording"


def test_a_reply_has_the_id_of_its_request_whatever_that_is(home: Home) -> None:
    with spoken_to(home) as (_, client):
        for request_id in (7, "seven", None, [7], {"n": 7}):
            client.send(json.dumps({"id": request_id, "action": "get_recording_state"}).encode())
            assert client.reply()["id"] == request_id


def test_a_recording_that_waits_is_attached_or_discarded(home: Home) -> None:
    home.settings = replace(home.settings, finalise="manual")
    with home.worker():
        client = home.client()
        client.do("start_recording")
        assert client.do("stop_recording")["record_id"] is None
        assert client.state() == "stopped"
        assert client.refused("start_recording") == "recording_waits"
        client.do("attach_recording", candidate_id="c-7")
        assert (client.state(), only_record().candidate_id) == ("idle", "c-7")
        client.do("start_recording")
        client.do("stop_recording")
        client.do("discard_recording")
        assert (client.state(), Record.select().count()) == ("idle", 1)


@pytest.mark.parametrize("way", ["none", "default"])
def test_without_audio_devices_the_worker_stays_up_and_says_so(home: Home, way: str, tmp_path: Path) -> None:
    home.settings = replace(home.settings, microphone=way, loopback=way)
    nowhere = {"PULSE_SERVER": f"unix:{tmp_path / 'nobody'}"}
    with home.worker(env=home.environment | nowhere) as worker:
        client = home.client()
        found = client.do("check_audio_devices")
        assert (found["microphone"], found["loopback"], found["devices"]) == (None, None, [])
        assert (found["reason"] is None) == (way == "none")
        for _ in range(2):
            assert client.refused("start_recording") in ("no_device", "audio_unavailable")
        assert client.state() == "idle"
        assert worker.poll() is None
    assert list(home.settings.recording.iterdir()) == []
    assert (Record.select().count(), Capture.select().count()) == (0, 0)


# Over stdio


@pytest.mark.parametrize("log_level", ["INFO", "DEBUG"])
def test_stdout_carries_nothing_but_the_protocol(home: Home, log_level: str) -> None:
    home.settings = replace(home.settings, log_level=log_level)
    with spoken_to(home) as (worker, client):
        client.do(SUBSCRIBE_LEVELS)
        client.do("start_recording")
        time.sleep(0.3)
        client.do("stop_recording")
        assert worker.stdin
        worker.stdin.close()
        assert worker.stdout
        rest = [json.loads(line) for line in worker.stdout]  # every line is JSON
        assert worker.wait(15) == 0
        assert b"capture started" in home.log.read_bytes()
    assert {message["type"] for message in client.events + rest} <= {"state", "warning", "level"}


def test_the_end_of_stdin_finishes_the_recording(home: Home) -> None:
    with spoken_to(home) as (worker, client):
        client.do("start_recording", title="cut short")
        time.sleep(0.3)
        assert worker.stdin
        worker.stdin.close()
        state = client.event("state")
        while state["state"] != "idle":
            state = client.event("state")
        assert state["last"]["record_id"] == only_record().id
        assert worker.wait(15) == 0
    record = only_record()
    assert (record.title, record.transcription_status) == ("cut short", "queued")
    read(record.recording_path)


def test_a_last_request_without_a_newline_is_answered(home: Home) -> None:
    with spoken_to(home) as (worker, client):
        client.writer.write(b'{"id": 1, "action": "get_recording_state"}')
        client.writer.close()
        assert client.reply()["id"] == 1
        assert worker.wait(15) == 0


def test_garbage_on_stdin_does_not_end_the_recording(home: Home) -> None:
    with spoken_to(home) as (_, client):
        client.do("start_recording")
        for rubbish in (b"garbage", b"x" * 10_000_000, b'{"action": "' + b"y" * LONGEST_LINE_BYTES + b'"}'):
            client.send(rubbish)
            reply = client.reply()
            assert (reply["ok"], reply["error"]["code"]) == (False, "bad_request")
        assert client.state() == "recording"
        outcome = client.do("stop_recording")
    assert outcome["verdict"]["sides"]["microphone"]["gaps"] == 0
    read(only_record().recording_path)


def test_a_program_that_reads_nothing_does_not_end_the_recording(home: Home) -> None:
    with spoken_to(home) as (worker, client):
        client.do(SUBSCRIBE_LEVELS)
        client.do("start_recording")
        for _ in range(2 * MOST_WAITING):
            client.send(b'{"action": "get_recording_state"}')
        time.sleep(0.5)
        assert worker.stdin
        worker.stdin.close()
        wait_for(lambda: Record.select().count(), "the recording")
        assert worker.wait(15) == 0
    assert len(read(only_record().recording_path)) > RATE_HZ // 2


# Over the socket


def test_control_json_names_place_token_and_process_and_goes_with_the_worker(home: Home) -> None:
    with home.worker() as worker:
        control = home.control()
        assert set(control) in ({"port", "token", "pid"}, {"socket", "token", "pid"})
        assert control["pid"] == worker.pid
        assert len(control["token"]) >= 32
        if os.name == "posix":
            assert home.settings.control.stat().st_mode & 0o777 == 0o600
        assert home.client().do("get_recording_state")["state"] == "idle"
        end(worker)
        assert not home.settings.control.exists()


def test_without_the_token_nothing_is_done_and_the_line_is_closed(listening: Home) -> None:
    for first in (
        b'{"id": 1, "action": "authenticate", "params": {"nonce": "short"}}',
        b'{"id": 1, "action": "authenticate", "params": {"nonce": "Gr\xc3\xbc\xc3\x9fe aus der Ferne"}}',
        b'{"id": 1, "action": "authenticate", "params": {"nonce": null}}',
        b'{"id": 1, "action": "authenticate", "params": {"token": "guess"}}',
        b'{"id": 1, "action": "authenticate"}',
        b'{"id": 1, "action": "start_recording"}',
        b"GET / HTTP/1.1\r",
    ):
        intruder = listening.connect()
        intruder.send(first)
        reply = intruder.reply()
        assert (reply["ok"], reply["error"]["code"]) == (False, "bad_request")
        assert listening.control()["token"] not in json.dumps(reply)
        assert intruder.is_over()
    assert listening.client().state() == "idle"


def test_one_who_has_not_said_the_token_hears_nothing(listening: Home) -> None:
    silent = listening.connect()
    listening.client().do("start_recording")
    ready, _, _ = select.select([silent.reader], [], [], 0.5)
    assert ready == []


def test_clients_that_come_and_go_do_not_end_the_recording(listening: Home) -> None:
    client = listening.client()
    client.do("start_recording")
    for _ in range(100):
        listening.client().send(b'{"action": "get_recording_state"}')
        listening.conversations.pop().close()
    assert client.state() == "recording"
    assert listening.client().state() == "recording"


def test_a_client_that_leaves_does_not_end_the_recording_that_it_started(listening: Home) -> None:
    listening.client().do("start_recording", title="still on")
    listening.conversations.pop().close()
    time.sleep(0.2)
    other = listening.client()
    state = other.do("get_recording_state")
    assert (state["state"], state["title"]) == ("recording", "still on")
    other.do("stop_recording")


def test_what_is_written_is_never_waited_for_and_one_who_does_not_read_is_hung_up() -> None:
    ours, theirs = socket.socketpair()
    dropped = threading.Event()

    def hang_up(rudely: bool) -> None:
        dropped.set()
        ours.shutdown(socket.SHUT_RDWR)

    with ours, theirs:
        client = Client(ours.makefile("rb"), ours.makefile("wb"), hang_up)
        slowest = 0.0
        for _ in range(100 * MOST_WAITING):
            before = time.monotonic()
            client.put(b"x" * 10_000 + b"\n")
            slowest = max(slowest, time.monotonic() - before)
            if dropped.is_set():
                break
        assert dropped.is_set()
        assert slowest < 0.5
        client.close()


def test_one_who_does_not_read_keeps_nothing_from_the_others() -> None:
    audience, pairs = Audience(), [socket.socketpair() for _ in range(2)]
    clients = [Client(ours.makefile("rb"), ours.makefile("wb")) for ours, _ in pairs]
    for client in clients:
        client.wants_levels = True
        audience.join(client)
    reads = pairs[1][1].makefile("rb")
    for number in range(10 * MOST_WAITING):
        audience.tell({"type": "level", "seconds": number, "mic": "x" * 1000})
        assert json.loads(reads.readline())["seconds"] == number
    pairs[0][1].close()
    reads.close()
    for client, (ours, _) in zip(clients, pairs, strict=True):
        ours.shutdown(socket.SHUT_RDWR)
        client.close()
        ours.close()
    pairs[1][1].close()


# Ended by signals


def test_a_second_worker_stands_by_and_takes_over_when_the_first_is_killed(home: Home) -> None:
    with home.worker() as first:
        client = home.client()
        session_id = client.do("start_recording")["session_id"]
        with home.worker() as second:
            stage = Stage(home.settings.home)
            stage.wait_for(
                lambda: {w["state"] for w in stage.read("status")["workers"]} == {"recording", "standby"},
                "the second to stand by",
            )
            assert home.control()["pid"] == first.pid
            wait_for(lambda: client.do("get_recording_state")["duration_seconds"] > 1.0, "some audio")
            first.kill()
            first.wait()
            wait_for(lambda: home.control()["pid"] == second.pid, "the second to take over")
            heir = home.client()
            assert heir.state() == "idle"
            assert wait_for(lambda: Record.select().count(), "the recording of the first") == 1
            assert only_record().session_id == session_id
            heir.do("start_recording")
            time.sleep(0.2)
            heir.do("stop_recording")
    assert Record.select().count() == 2


def test_a_worker_that_stands_by_goes_when_it_is_told_to(home: Home) -> None:
    with home.worker() as first:
        home.control()
        with home.worker() as second:
            time.sleep(1.0)
            end(second)
            assert second.returncode == 0
        assert home.control()["pid"] == first.pid
        assert home.client().state() == "idle"


@POSIX_ONLY
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_recording_over_stdio_as_well(home: Home, how: signal.Signals) -> None:
    with spoken_to(home) as (worker, client):
        client.do("start_recording")
        time.sleep(0.3)
        worker.send_signal(how)
        assert worker.wait(15) == 0
        assert b"Fatal" not in home.log.read_bytes()
    read(only_record().recording_path)


def test_half_a_sign_is_no_text(listening: Home) -> None:
    intruder = listening.connect()
    intruder.send(b'{"id": 1, "action": "authenticate", "params": {"nonce": "\\ud800"}}')
    assert intruder.reply()["error"]["code"] == "bad_request"
    client = listening.client()
    for value in (r"\ud800", r"a\u0000b"):
        client.send(b'{"id": 1, "action": "start_recording", "params": {"title": "%s"}}' % value.encode())
        assert client.reply()["error"]["code"] == "bad_request"
    assert client.state() == "idle"
    assert list(listening.settings.recording.iterdir()) == []
    assert b"Traceback" not in listening.log.read_bytes()


@POSIX_ONLY
def test_a_signal_is_noticed_though_somebody_holds_the_database(home: Home) -> None:
    """A supervisor kills after some seconds; the database may be held for longer."""
    with home.worker() as worker:
        client = home.client()
        client.do("start_recording")
        time.sleep(0.5)
        with closing(sqlite3.connect(home.settings.database, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(25) == 0
            holder.execute("ROLLBACK")
    with home.worker():
        home.control()
        wait_for(lambda: Record.select().count() == 1, "the recording")
    read(only_record().recording_path)
