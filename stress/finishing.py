"""Waits until the work in a home is done, and runs one without kills."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from shared.control_port import SOCKET
from stress.supervisor import Supervisor
from stress.verdicts import LASTING_LOCKS, Transcript, look
from stress.watch import reading
from tests.stage import Stage

#: After this time without a change the work is done, or stuck.
STILL_SECONDS = 40.0
LOOK_SECONDS = 0.25


def finish(home: Path, processes: Supervisor) -> list[str]:
    """Wait until all work is done; return what is stuck."""
    before, since = unfinished(home), time.monotonic()
    while before and time.monotonic() - since < STILL_SECONDS:
        time.sleep(LOOK_SECONDS)
        processes.mind()
        now = unfinished(home)
        if now != before:
            before, since = now, time.monotonic()
    return before


def unfinished(home: Path) -> list[str]:
    """Return unfinished records and calls, and files of ended processes."""
    with reading(home) as database:
        records = database.execute(
            "SELECT title, transcription_status, attempts, progress FROM call_records WHERE "
            "transcription_status IN ('queued', 'processing') "
            "OR transcription_status = 'completed' AND filed_at IS NULL"
        ).fetchall()
        calls = database.execute("SELECT title, state FROM captures WHERE state <> 'queued'").fetchall()
        calls += database.execute("SELECT session_id, state, why, token FROM live_calls").fetchall()
        known = {row["path"] for row in database.execute("SELECT path FROM inbox_files")}
        living = {row["id"] for row in database.execute("SELECT id FROM workers")}
    unknown = [path for path in (home / "inbox").iterdir() if str(path) not in known]
    parts = [*(home / "recording").iterdir(), *(home / "library").rglob("*.part")]
    lasting = {*(f"{worker_id}.lock" for worker_id in living), *LASTING_LOCKS, SOCKET}
    locks = [path for path in (home / "locks").iterdir() if path.name not in lasting]
    return [str(tuple(row)) for row in (*records, *calls)] + [str(p) for p in (*unknown, *parts, *locks)]


def undisturbed(stage: Stage, recordings: Mapping[str, bytes]) -> dict[str, Transcript]:
    """Return the transcripts of recordings by name, from a run without kills."""
    with Supervisor(stage, stage.home.parent / f"{stage.home.name} logs") as processes:
        for name, content in recordings.items():
            partial = stage.inbox / f".{name}"
            partial.write_bytes(content)
            partial.replace(stage.inbox / f"{name}.wav")
        stage.wait_for(lambda: _count(stage.home) == len(recordings), "the undisturbed recordings")
        left = finish(stage.home, processes)
    home = look(stage.home)
    faults = [*processes.faults, *left]
    if faults or len(home.transcripts) < len(recordings):
        raise RuntimeError(f"The undisturbed run was none: {faults}")
    return {record["title"]: home.transcripts[record["id"]] for record in home.records}


def _count(home: Path) -> int:
    with reading(home) as database:
        return int(database.execute("SELECT count(*) FROM call_records").fetchone()[0])
