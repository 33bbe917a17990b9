"""Compares the dropped and captured recordings with their outcomes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archive.exports import IN_LIBRARY
from archive.library import beside
from shared.files import sha256_of
from stress.feeder import Call, Drop
from stress.watch import reading
from transcribe_worker.media.riff import read_layout

#: The audio that a capture may lose when its recorder is killed.
LOST_SECONDS = 1.0
HOME = {
    "inbox",
    "uploads",
    "playback",
    "recording",
    "library",
    "models",
    "logs",
    "locks",
    "offhook.db",
    "queue.db",
    "tuning.json",
    "host",
}
#: Files that stay: locks on work of one process at a time, and the reserve for deleting.
LASTING_LOCKS = ("capture-server.lock", "library.lock", "reserve", "web-server.lock")
#: Every reader of a database in WAL mode creates these beside it.
SIDECARS = ("-shm", "-wal")
_SEGMENTS = """SELECT start_seconds, end_seconds, text, average_log_probability, no_speech_probability,
    compression_ratio, words FROM segments WHERE record_id = ? ORDER BY id"""

#: A transcript: its stored segments, and its files except the one with the record's data.
Transcript = tuple[list[tuple[Any, ...]], dict[str, str]]
Row = sqlite3.Row


@dataclass
class Verdict:
    """The faults, a line for each."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [f"{kind}: {what}" for kind, found in vars(self).items() for what in found]


@dataclass(frozen=True)
class Home:
    """The content of a home after its processes have ended."""

    path: Path
    records: tuple[Row, ...]
    captures: tuple[Row, ...]
    inbox_files: tuple[Row, ...]
    transcripts: Mapping[int, Transcript]
    windows: int  # decoded ones that are in no transcript yet

    def files(self, folder: str) -> set[Path]:
        return {path for path in (self.path / folder).rglob("*") if path.is_file()}


def look(path: Path) -> Home:
    """Read the content of a home."""
    with reading(path) as database:
        records, captures, files = (
            tuple(database.execute(f"SELECT * FROM {table}"))
            for table in ("call_records", "captures", "inbox_files")
        )
        windows = sum(
            database.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("live_windows", "decoded_windows")
        )
        transcripts = {
            record["id"]: _transcript(database, path, record)
            for record in records
            if record["transcription_status"] == "completed"
        }
    return Home(path, records, captures, files, transcripts, windows)


def judge(
    home: Home,
    drops: Sequence[Drop],
    calls: Sequence[Call],
    capture_deaths: Sequence[float],
    expected: Mapping[str, Transcript],
) -> Verdict:
    """Account for every dropped and captured recording, and for every file."""
    verdict = Verdict()
    accounted = set()
    for drop in drops:
        accounted |= _judge_drop(home, drop, expected, verdict)
    for call in calls:
        accounted |= _judge_call(home, call, call.heard_seconds(capture_deaths), verdict)
    unanswered = sum(call.session_id is None for call in calls)
    strangers = [record for record in home.records if record["id"] not in accounted]
    recovered = [record for record in strangers if record["title"].startswith("Recovered ")]
    if len(recovered) > unanswered:
        verdict.doubled.append(f"{len(recovered)} recovered calls of {unanswered} unanswered ones")
    verdict.doubled += [f"{r['title']}: nobody dropped it" for r in strangers if r not in recovered]
    _judge_files(home, verdict)
    return verdict


def _judge_drop(home: Home, drop: Drop, expected: Mapping[str, Transcript], verdict: Verdict) -> set[int]:
    mine = [record for record in home.records if record["sha256"] == drop.sha256]
    if not mine:
        verdict.lost.append(drop.names[0])
    for record in mine[1:]:
        verdict.doubled.append(record["title"])
    for record in mine[:1]:
        wanted = ("failed", drop.error_code) if drop.error_code else ("completed", None)
        _judge_end(record, wanted, verdict)
        if drop.speech and home.transcripts.get(record["id"]) not in (None, expected[drop.speech]):
            verdict.wrong.append(f"{record['title']}: another transcript")
        if record["sha256"] != _content(Path(record["recording_path"])):
            verdict.lost.append(f"{record['title']}: its file")
        _judge_copies(home, drop, record, verdict)
    return {record["id"] for record in mine}


def _judge_end(record: Row, wanted: tuple[str, str | None], verdict: Verdict) -> None:
    state = (record["transcription_status"], record["error_code"])
    if state[0] in ("queued", "processing"):
        verdict.stuck.append(f"{record['title']}: {state}")
    elif state != wanted:
        verdict.wrong.append(f"{record['title']}: {state}, not {wanted}")


def _judge_copies(home: Home, drop: Drop, record: Row, verdict: Verdict) -> None:
    """Check that all files of a content except the record's own stay in the inbox as copies."""
    copies = {(row["path"], row["record_id"]) for row in home.inbox_files if row["outcome"] == "copy"}
    own = [name for name in drop.names if record["title"] == Path(name).stem]
    for name in set(drop.names) - set(own):
        path = home.path / "inbox" / name
        if (str(path), record["id"]) not in copies:
            verdict.wrong.append(f"{name}: not reported as a copy")
        if _content(path) != drop.sha256:
            verdict.lost.append(f"{name}: the copy")


def _judge_call(home: Home, call: Call, heard_seconds: float, verdict: Verdict) -> set[int]:
    """Check that a call whose start was answered is there once, in full length; others may be missing."""
    mine = [r for r in home.records if r["session_id"] == call.session_id or r["title"] == call.title]
    if call.session_id:
        call.missing_seconds = heard_seconds - sum(_seconds(Path(r["recording_path"])) for r in mine)
    if call.is_safe and not mine:
        verdict.lost.append(f"{call.title}: all {heard_seconds:.2f} s of it")
    elif call.missing_seconds > LOST_SECONDS:
        verdict.lost.append(f"{call.title}: {call.missing_seconds:.2f} s of {heard_seconds:.2f} s")
    for record in mine[1:]:
        verdict.doubled.append(record["title"])
    for record in mine[:1]:
        _judge_end(record, ("completed", None), verdict)
        if (record["session_id"], record["source"]) != (call.session_id or record["session_id"], "capture"):
            verdict.wrong.append(f"{call.title}: taken for another recording")
    return {record["id"] for record in mine}


def _judge_files(home: Home, verdict: Verdict) -> None:
    """Check that every file belongs to a record or a process."""
    failed = {r["recording_path"] for r in home.records if r["transcription_status"] == "failed"}
    copies = {row["path"] for row in home.inbox_files if row["outcome"] == "copy"}
    archived = {
        str(path)
        for record in home.records
        if record["transcription_status"] == "completed"
        for path in (Path(record["recording_path"]), *_transcript_files(home.path, record))
    }
    there = home.files("inbox") | home.files("library") | home.files("recording") | home.files("locks")
    explained = failed | copies | archived | {str(home.path / "locks" / name) for name in LASTING_LOCKS}
    others = {
        path for path in home.path.iterdir() if path.name not in HOME and path.name[-4:] not in SIDECARS
    }
    verdict.left_over += sorted(
        str(p.relative_to(home.path)) for p in there | others if str(p) not in explained
    )
    verdict.left_over += [f"{r['title']}: {r['state']}" for r in home.captures if r["state"] != "queued"]
    verdict.left_over += [f"{home.windows} decoded windows"] if home.windows else []
    verdict.left_over += [f"process {pid}" for pid in processes_of(home.path)]
    verdict.lost += [f"{path} of the library" for path in sorted(archived) if not Path(path).exists()]


def _transcript(database: sqlite3.Connection, home: Path, record: Row) -> Transcript:
    segments = [tuple(row) for row in database.execute(_SEGMENTS, (record["id"],))]
    files = {path.suffix: path for path in _transcript_files(home, record) if path.suffix != ".json"}
    return segments, {suffix: path.read_text("utf-8") for suffix, path in files.items() if path.exists()}


def _transcript_files(home: Path, record: Row) -> list[Path]:
    stem = record["library_stem"]
    return [beside(home / "library" / stem, suffix) for suffix in IN_LIBRARY] if stem else []


def _content(path: Path) -> str | None:
    return sha256_of(path) if path.exists() else None


def _seconds(path: Path) -> float:
    if not path.exists():
        return 0.0
    with path.open("rb") as file:
        layout = read_layout(file, path.stat().st_size)
    return (layout.duration_seconds or 0.0) if layout else 0.0


def processes_of(home: Path) -> list[int]:
    """Return the running processes with this home in their environment (Linux)."""
    wanted, found = os.fsencode(f"OFFHOOK_HOME={home}"), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            environment = path.read_bytes().split(b"\0")
        except OSError:  # it has just ended, or is another user's
            continue
        if wanted in environment:
            found.append(int(path.parent.name))
    return found
