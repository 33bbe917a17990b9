"""How long `offhook status` and `offhook list` take with 100,000 records: `python -m bench.status`.

Each is timed as a whole process, as a person at a terminal waits for it, beside an empty home and
beside a bare Python that imports nothing, in turns.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path

from bench.figures import percentiles
from shared import home
from shared.db import open_database
from shared.models import Record
from shared.settings import Settings

RUNS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000, help="how many records there are")
    records = parser.parse_args().records
    with tempfile.TemporaryDirectory() as folder:
        full, empty = Path(folder, "full"), Path(folder, "empty")
        fill(full, records)
        fill(empty, 0)
        compare(
            {
                "python -c pass": ([sys.executable, "-c", "pass"], empty),
                "status, no records": (offhook("status"), empty),
                f"status, {records:,} records": (offhook("status"), full),
                f"list, {records:,} records": (offhook("list"), full),
            }
        )


def offhook(command: str) -> list[str]:
    """Return the command line as the installed `offhook` runs it."""
    return [sys.executable, "-c", "from offhook.cli import main; main()", command]


def fill(folder: Path, records: int) -> None:
    """Make a home with records in every state: one runs, and of the others most are completed."""
    settings = Settings(home=folder)
    home.prepare(settings)
    database = open_database(settings.database)
    states = ["completed"] * 7 + ["queued", "failed", "cancelled"]
    rows = [_row(number, states[number % len(states)]) for number in range(records)]
    rows[-1:] = [_row(records, "processing") for _ in rows[-1:]]
    with database.atomic():
        for start in range(0, records, 500):
            Record.insert_many(rows[start : start + 500]).execute()
    database.close()


def _row(number: int, state: str) -> dict[str, object]:
    return {
        "session_id": str(uuid.uuid4()),
        "source": "inbox",
        "title": f"Call {number}",
        "recording_path": f"/calls/{number}.wav",
        "transcription_status": state,
        "transcription_error": "The file is empty (0 bytes)." if state == "failed" else None,
        "error_code": "empty_file" if state == "failed" else None,
        "created_at": float(number),
        "completed_at": float(number) if state in ("completed", "failed") else None,
        "filed_at": float(number),
        "duration_seconds": 60.0,
        "worker_id": "worker-gone",
    }


def compare(commands: dict[str, tuple[Sequence[str], Path]]) -> None:
    """Time the commands in turns and print a line for each."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(RUNS + 1):
        for name, (command, folder) in commands.items():
            started = time.perf_counter()
            environment = {**os.environ, "OFFHOOK_HOME": str(folder)}
            subprocess.run(command, env=environment, check=True, capture_output=True)
            if run:  # the first warms the caches
                times[name].append((time.perf_counter() - started) * 1000)
    print(f"milliseconds as whole processes, {RUNS} runs in turns")
    for name, values in times.items():
        print(f"  {name:<28} {percentiles(values)}")


if __name__ == "__main__":
    main()
