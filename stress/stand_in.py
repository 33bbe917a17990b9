"""An engine whose words come from the hash of the recording: `python -m stress.stand_in`.

It speaks the engine's protocol over the same pipes, and is killed as the real one is. So thousands of calls
are transcribed in a short time, and each transcript can be judged word by word. A job takes as many seconds
as STAND_IN_SECONDS says. Another model than STAND_IN is loaded and decoded by the real engine.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from shared.files import sha256_of
from shared.words import Segment, Word
from transcribe_worker.engine.child import COMMAND
from transcribe_worker.engine.messages import (
    Cancel,
    Cancelled,
    Decoded,
    DecodedWindow,
    Done,
    Event,
    Job,
    Load,
    Opened,
    Ready,
    decode,
    encode,
)

STAND_IN = "stand-in"
SECONDS_VARIABLE = "STAND_IN_SECONDS"
#: Each window is a stretch, and is committed by itself.
WINDOWS, WINDOW_SECONDS = 4, 1.0
WORD_DIGITS, WORDS = 4, 4


def add_model(models: Path) -> None:
    """Make a home's model folder have the stand-in."""
    folder = models / STAND_IN
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.bin").write_bytes(b"stand-in")


def segment_of(sha256: str, window: int) -> Segment:
    """Return what is said in a window of the recording with this hash."""
    digits = sha256[window * WORD_DIGITS * WORDS :][: WORD_DIGITS * WORDS]
    said = [digits[at : at + WORD_DIGITS] for at in range(0, len(digits), WORD_DIGITS)]
    begin_ms = round(window * WINDOW_SECONDS * 1000)
    words = tuple(
        Word(begin_ms + 200 * number, begin_ms + 200 * number + 150, f" {word}", 0.9)
        for number, word in enumerate(said)
    )
    return Segment(begin_ms, words[-1].end_ms, " ".join(said), words, average_log_probability=-0.2)


def texts_of(sha256: str) -> list[str]:
    """Return the texts of the transcript of the recording with this hash."""
    return [segment_of(sha256, window).text for window in range(WINDOWS)]


class StandIn:
    """The engine's side of the pipe."""

    def __init__(self, events: TextIO, seconds: float) -> None:
        self._events, self._seconds = events, seconds
        self._jobs: queue.Queue[Job] = queue.Queue()
        self._cancelled = threading.Event()
        self._sending = threading.Lock()
        self._real: subprocess.Popen[str] | None = None
        self._is_real = False  # the model that was loaded last

    def serve(self, commands: TextIO) -> None:
        """Carry out commands until the worker closes the pipe."""
        threading.Thread(target=self._work, daemon=True).start()
        for line in commands:
            command = decode(line)
            if isinstance(command, Load):
                self._is_real = command.name != STAND_IN
            if self._is_real:
                self._tell_real(line)
            elif isinstance(command, Load):
                self._send(encode(Ready()))
            elif isinstance(command, Cancel):
                self._cancelled.set()
            elif isinstance(command, Job):
                self._cancelled.clear()
                self._jobs.put(command)

    def _work(self) -> None:
        while True:
            for event in self._transcribed(self._jobs.get()):
                self._send(encode(event))

    def _transcribed(self, job: Job) -> Iterator[Event]:
        sha256 = sha256_of(job.path)
        yield Opened(WINDOWS * WINDOW_SECONDS)
        reached = max((it.done_seconds for it in job.positions), default=0.0)
        deadline = time.monotonic()
        for window in range(round(reached / WINDOW_SECONDS), WINDOWS):
            deadline += self._seconds / WINDOWS
            if self._cancelled.wait(max(0.0, deadline - time.monotonic())):
                yield Cancelled()
                return
            begin, end = window * WINDOW_SECONDS, (window + 1) * WINDOW_SECONDS
            decoded = DecodedWindow(begin, end, (segment_of(sha256, window),))
            yield Decoded(begin, end, "en", (decoded,), 0.9)
        yield Done(WINDOWS * WINDOW_SECONDS)

    def _tell_real(self, line: str) -> None:
        """Pass a command on to the real engine; it ends when this process does, as its pipe is closed."""
        if self._real is None or self._real.poll() is not None:
            self._real = subprocess.Popen(
                COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
            )
            threading.Thread(target=self._pass_events_on, args=(self._real,), daemon=True).start()
        assert self._real.stdin
        self._real.stdin.write(line)
        self._real.stdin.flush()

    def _pass_events_on(self, real: subprocess.Popen[str]) -> None:
        assert real.stdout
        for line in real.stdout:
            self._send(line)

    def _send(self, line: str) -> None:
        with self._sending:
            self._events.write(line)
            self._events.flush()


def main() -> None:
    for name in ("SIGINT", "SIGTERM"):  # the worker decides about its engine
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    StandIn(sys.stdout, float(os.environ.get(SECONDS_VARIABLE, "0"))).serve(sys.stdin)


if __name__ == "__main__":
    main()
