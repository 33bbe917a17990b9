"""A consumer of hints in a process of its own, which says what it takes."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]

# Says which hints it takes, 0 for one without a record; with "fail" each goes wrong.
CONSUMER = """
import sys, time
from pathlib import Path
from transcribe_worker.jobs.hints import HintQueue

def handle(record_id):
    print(record_id or 0, flush=True)
    if sys.argv[2] == "fail":
        raise OSError("it went wrong")

place = sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1])
consumer = HintQueue(place).consumer(handle, workers=1)
consumer.start()
time.sleep(60)
"""


class Consumer:
    """A consumer process and what it has taken."""

    def __init__(self, place: Path | str, manner: str = "") -> None:
        self.taken: list[int] = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", CONSUMER, str(place), manner],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def has_taken(self, count: int, within_seconds: float = 10) -> list[int]:
        deadline = time.monotonic() + within_seconds
        while len(self.taken) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.taken

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout:
            self.taken.extend(int(line) for line in iter(self.process.stdout.readline, ""))

    def __enter__(self) -> Consumer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
