"""A home whose processes all run, and looks at what has become of its recordings."""

from __future__ import annotations

import sqlite3
import subprocess
import wave
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from offhook.desk.recorder import CaptureClient
from tests.stage import Stage

WORKER, INBOX, CAPTURE = "transcribe_worker", "transcribe_worker.inbox", "capture_worker"


@contextmanager
def running(stage: Stage, *modules: str) -> Iterator[list[subprocess.Popen[str]]]:
    """Run offhook's processes until they are ready."""
    kinds = {WORKER: "worker", INBOX: "inbox", CAPTURE: "capture"}
    with ExitStack() as stack:
        processes = [stack.enter_context(stage.process(module)) for module in modules]
        stage.wait_for(lambda: {kinds[module] for module in modules} <= set(stage.running()), "the processes")
        if CAPTURE in modules:
            stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        yield processes


def done(stage: Stage, *arguments: str | Path) -> str:
    """Run a command that succeeds; return what it prints."""
    finished = stage.offhook(*arguments)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def seconds_of(path: Path | str) -> float:
    """The length of a WAV, all of which is there."""
    with wave.open(str(path)) as file:
        assert len(file.readframes(file.getnframes())) == 2 * file.getnframes()
        return file.getnframes() / file.getframerate()


def recorded(stage: Stage, seconds: float) -> float:
    """Wait until the running recording is so long; return how long it is, in seconds."""
    with CaptureClient(stage.home / "control.json") as capture:

        def look() -> float | None:
            length_seconds: float = capture.request("get_recording_state")["duration_seconds"]
            return length_seconds if length_seconds > seconds else None

        found: float = stage.wait_for(look, "the recording to last")
    return found


def archived(stage: Stage, title: str) -> dict[str, Any]:
    """Wait until a recording and its transcript have reached the library."""

    def look() -> dict[str, Any] | None:
        record = stage.record(title)
        return record if record and record["transcript_stem"] else None

    stage.finished(title)
    found: dict[str, Any] = stage.wait_for(look, f"{title} to be in the library")
    return found


def windows_of(stage: Stage) -> int:
    """How many decoded windows are committed."""
    return ask(stage, "SELECT count(*) FROM decoded_windows")


def ask(stage: Stage, query: str) -> Any:
    """Ask the database for one value."""
    with closing(sqlite3.connect(stage.home / "offhook.db")) as database:
        ((value,),) = database.execute(query).fetchall()
    return value
