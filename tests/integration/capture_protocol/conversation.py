"""Conversations with a real capture worker, over stdio and the socket."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from shared.settings import Settings
from tests.control import connect, described, first_request, second_request
from tests.stage import ROOT, Stage, end
from tests.tables import Record
from tests.waiting import until

RATE_HZ = 16_000


PATIENCE_SECONDS = 20.0
wait_for = partial(until, seconds=PATIENCE_SECONDS)


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


@contextmanager
def spoken_to(home: Home, **options: Any) -> Iterator[tuple[subprocess.Popen[bytes], Conversation]]:
    """A capture worker that speaks over stdio."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with home.worker("--stdio", **pipes | options) as worker:
        assert worker.stdin
        assert worker.stdout
        yield worker, Conversation(worker.stdout, worker.stdin)
