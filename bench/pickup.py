"""Measures the time from a drop until the recording is taken and processing: `python -m bench.pickup`.

Runs the inbox and a worker in their own home, and drops one recording after another.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

from bench.figures import percentiles
from shared.settings import Settings
from shared.store.store import Store
from shared.store.tables import RecordRow
from tests.tables import Record, Worker, use


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=50, help="how many recordings to drop")
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        taken, started = measure(Settings(home=Path(folder)), files)
    print(f"{files} recordings, milliseconds from the drop")
    print(f"  until taken from the inbox:  {percentiles(taken)}")
    print(f"  until processing:            {percentiles(started)}")


def measure(settings: Settings, files: int) -> tuple[list[float], list[float]]:
    """Drop `files` recordings; return the milliseconds until each was taken, and until it was processing."""
    environment = {**os.environ, "OFFHOOK_HOME": str(settings.home), "OFFHOOK_LOG_LEVEL": "ERROR"}
    modules = ("transcribe_worker", "transcribe_worker.inbox")
    processes = [subprocess.Popen([sys.executable, "-m", module], env=environment) for module in modules]
    try:
        return _drop_all(settings, files)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _drop_all(settings: Settings, files: int) -> tuple[list[float], list[float]]:
    while not settings.database_file.exists():
        time.sleep(0.1)
    use(Store.of_home(settings))
    while Worker.select().where(Worker.state == "ready").count() < 2:
        time.sleep(0.1)
    while not Worker.select().where(Worker.engines.contains("lanes")).exists():  # its model is loaded
        time.sleep(0.1)
    taken, started = [], []
    for number in range(files):
        path = settings.inbox / f"{number}.wav"
        partial = path.with_suffix(".part")
        _write(partial, number)
        dropped = time.time()
        partial.rename(path)
        record = _finished(str(path.stem))
        taken.append((record.created_at - dropped) * 1000)
        started.append(((record.started_at or 0) - dropped) * 1000)
    return taken, started


def _write(path: Path, number: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(number.to_bytes(2, "little") * 16_000)


def _finished(title: str) -> RecordRow:
    while True:
        record = Record.get_or_none((Record.title == title) & Record.completed_at.is_null(False))
        if record is not None:
            return record
        time.sleep(0.05)


if __name__ == "__main__":
    main()
