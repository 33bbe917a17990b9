"""The JSON contract: a table for each command, held to what the command prints and to docs/json.md."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archive import receipts, transcript
from archive.library import Library
from offhook import __file__ as offhook_module
from shared import home as folders
from shared.settings import RECORD_OPTIONS, Settings
from shared.store.captures import Captures
from shared.store.claims import Claim, Failure
from shared.store.models import InboxFile
from shared.store.records import Records
from shared.store.sqlite import open_database
from shared.store.transitions import STATES
from shared.workers import Presence
from tests.conftest import skip_or_fail
from tests.stage import ROOT, Stage
from tests.voices import write_wav
from transcribe_worker.engine.setup import Setup
from transcribe_worker.inbox.sweep import UNREADABLE, Inbox
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.model_files import bundled_folder

SAMPLE = Path(offhook_module).parent / "sample" / "sample-call.wav"
#: A process that is among the living and then killed.
ENTERS = """
import sys
from pathlib import Path
from shared.store.sqlite import open_database
from shared.workers import Presence
home = Path(sys.argv[1])
Presence(open_database(home / "offhook.db"), home / "locks", "worker").enter()
print("entered", flush=True)
sys.stdin.read()
"""

Table = dict[str, str]

RECORDING: Table = {
    "id": "integer",
    "session_id": "text",
    "source": "text",
    "title": "text",
    "candidate_id": "text or null",
    "project_id": "text or null",
    "recording_path": "text",
    "transcript_stem": "text or null",
    "sha256": "text or null",
    "duration_seconds": "number or null",
    "flags": "list",
    "flags[]": "text",
    "options": "object",
    "options.*": "value",
    "status": "text",
    "error": "text or null",
    "error_code": "text or null",
    "priority": "integer",
    "attempts": "integer",
    "crashes": "integer",
    "progress": "number",
    "language": "text or null",
    "model": "text or null",
    "created_at": "time",
    "started_at": "time or null",
    "completed_at": "time or null",
    "next_attempt_at": "time or null",
}


DEVICE: Table = {
    "side": "text",
    "name": "text",
    "key": "text",
    "rate_hz": "integer",
    "channels": "integer",
    "is_default": "boolean",
}
VERDICT: Table = {
    "duration_seconds": "number",
    "layout": "text",
    "reason": "text",
    "recovered": "boolean",
    "sides": "object",
    "sides.*": "object",
    "sides.*.devices": "list",
    "sides.*.devices[]": "object",
    "sides.*.devices[].name": "text",
    "sides.*.devices[].rate_hz": "integer",
    "sides.*.devices[].channels": "integer",
    "sides.*.device_changes": "integer",
    "sides.*.device_losses": "integer",
    "sides.*.gaps": "integer",
    "sides.*.lost_ms": "integer",
    "sides.*.doubled_ms": "integer",
    "sides.*.drift_ppm": "number",
    "sides.*.clipped_frames": "integer",
    "sides.*.silence_share": "number",
}
OUTCOME: Table = {
    "session_id": "text",
    "record_id": "integer or null",
    "title": "text",
    "recording_path": "text or null",
    "duration_seconds": "number",
    "reason": "text",
    "state": "text",
    "error": "text or null",
    "verdict": "verdict",
}
ERASURE: Table = {
    "dry_run": "boolean",
    "finished": "boolean",
    "recordings": "list",
    "recordings[]": "object",
    "recordings[].id": "integer or null",
    "recordings[].session_id": "text",
    "recordings[].title": "text",
    "recordings[].status": "text",
    "recordings[].files": "list",
    "recordings[].files[]": "text",
    "recordings[].size_bytes": "integer",
    "recordings[].stay": "list",
    "recordings[].stay[]": "text",
    "receipt": "text or null",
}
#: Types that are tables of their own, and where docs/json.md has them.
NAMED = {
    "recording": RECORDING,
    "device": DEVICE,
    "verdict": VERDICT,
    "outcome": OUTCOME,
    "erasure": ERASURE,
}
SECTIONS = {
    "A recording": RECORDING,
    "An audio device": DEVICE,
    "A verdict": VERDICT,
    "An outcome": OUTCOME,
    "An erasure": ERASURE,
}


def segments(key: str) -> Table:
    """A list of segments."""
    moment = {"start_seconds": "number", "end_seconds": "number", "text": "text"}
    return {
        key: "list",
        f"{key}[]": "object",
        **{f"{key}[].{name}": kind for name, kind in moment.items()},
        f"{key}[].doubts": "list",
        f"{key}[].doubts[]": "text",
        f"{key}[].words": "list",
        f"{key}[].words[]": "object",
        **{f"{key}[].words[].{name}": kind for name, kind in moment.items()},
        f"{key}[].words[].probability": "number",
    }


#: What is told of a backup.
BACKUP: Table = {
    "created_at": "time",
    "counts": "object",
    **{f"counts.{state}": "integer" for state in STATES},
    "files": "integer",
    "size_bytes": "integer",
    "missing": "list",
    "missing[]": "object",
    "missing[].record_id": "integer or null",
    "missing[].path": "text",
    "missing[].reason": "text",
    "elsewhere": "list",
    "elsewhere[]": "object",
    "elsewhere[].record_id": "integer",
    "elsewhere[].path": "text",
}

#: Heading in docs/json.md -> key -> type.
CONTRACT: dict[str, Table] = {
    "offhook status": {
        "home": "text",
        "inbox": "object",
        "inbox.path": "text",
        "inbox.copies": "list",
        "inbox.copies[]": "object",
        "inbox.copies[].path": "text",
        "inbox.copies[].record_id": "integer",
        "inbox.unreadable": "list",
        "inbox.unreadable[]": "text",
        "paused": "boolean",
        "counts": "object",
        **{f"counts.{state}": "integer" for state in STATES},
        "recordings": "list",
        "recordings[]": "object",
        "recordings[].session_id": "text",
        "recordings[].title": "text",
        "recordings[].state": "text",
        "recordings[].started_at": "time",
        "recordings[].duration_seconds": "number",
        "running": "list",
        "running[]": "object",
        "running[].id": "integer",
        "running[].title": "text",
        "running[].progress": "number",
        "running[].duration_seconds": "number or null",
        "running[].speed": "number or null",
        "running[].seconds_left": "number or null",
        "running[].attempts": "integer",
        "running[].started_at": "time",
        "running[].worker_id": "text",
        "oldest_waiting": "object or null",
        "oldest_waiting.id": "integer",
        "oldest_waiting.title": "text",
        "oldest_waiting.created_at": "time",
        "oldest_waiting.waiting_seconds": "number",
        "missing_models": "list",
        "missing_models[]": "object",
        "missing_models[].model": "text",
        "missing_models[].records": "integer",
        "missing_models[].message": "text",
        "workers": "list",
        "workers[]": "object",
        "workers[].id": "text",
        "workers[].kind": "text",
        "workers[].pid": "integer",
        "workers[].alive": "boolean",
        "workers[].state": "text",
        "workers[].started_at": "time",
        "workers[].last_seen_at": "time",
        "workers[].engines": "list",
        "workers[].engines[]": "object",
        "workers[].engines[].device": "text",
        "workers[].engines[].compute_type": "text",
        "workers[].engines[].lanes": "integer",
        "workers[].engines[].threads": "integer",
        "workers[].engines[].batch_size": "integer",
        "workers[].engines[].reason": "text",
        "errors": "list",
        "errors[]": "object",
        "errors[].id": "integer",
        "errors[].title": "text",
        "errors[].status": "text",
        "errors[].error": "text",
        "errors[].error_code": "text",
        "errors[].at": "time or null",
    },
    "offhook list": {"records": "list", "records[]": "recording"},
    "offhook show": {".": "recording", "capture": "verdict or null", **segments("transcript")},
    "offhook search": {
        "hits": "list",
        "hits[]": "object",
        "hits[].record_id": "integer",
        "hits[].title": "text",
        "hits[].start_seconds": "number",
        "hits[].end_seconds": "number",
        "hits[].text": "text",
        "hits[].snippet": "text",
    },
    "offhook config": {
        "file": "text",
        "settings": "object",
        "settings.*": "object",
        "settings.*.value": "value",
        "settings.*.source": "text",
        "settings.*.doc": "text",
    },
    "offhook doctor": {
        "checks": "list",
        "checks[]": "object",
        "checks[].check": "text",
        "checks[].state": "text",
        "checks[].message": "text",
        "checks[].remedy": "text or null",
    },
    "offhook devices": {
        "microphone": "device or null",
        "loopback": "device or null",
        "devices": "list",
        "devices[]": "device",
        "reason": "text or null",
    },
    "offhook record state": {
        "state": "text",
        "session_id": "text or null",
        "title": "text or null",
        "candidate_id": "text or null",
        "project_id": "text or null",
        "started_at": "time or null",
        "duration_seconds": "number",
        "microphone": "text or null",
        "loopback": "text or null",
        "warnings": "list",
        "warnings[]": "object",
        "warnings[].code": "text",
        "warnings[].message": "text",
        "last": "outcome or null",
    },
    "offhook record stop": {".": "outcome"},
    "offhook models list": {
        "models": "list",
        "models[]": "object",
        "models[].name": "text",
        "models[].present": "boolean",
        "models[].bundled": "boolean",
        "models[].folder": "text or null",
        "models[].size_bytes": "integer or null",
        "models[].default": "boolean",
    },
    "offhook add": {"records": "list", "records[]": "recording"},
    "offhook transcribe": {"records": "list", "records[]": "recording", "records[].text": "text or null"},
    "offhook backup": {"path": "text", **BACKUP},
    "offhook restore": {"home": "text", "queued_again": "integer", **BACKUP},
    "offhook delete": {".": "erasure"},
    "offhook prune": {".": "erasure"},
    "The receipt of an erasure": {
        "candidate_sha256": "text",
        "salt": "text",
        "begun_at": "time",
        "finished_at": "time or null",
        "recordings": "integer",
        "files": "list",
        "files[]": "object",
        "files[].sha256": "text",
        "files[].size_bytes": "integer",
        "files_that_stay": "integer",
    },
    "The transcript as a file": {
        "version": "integer",
        "record_id": "integer",
        "title": "text",
        "duration_seconds": "number",
        "language": "text or null",
        "model": "text",
        "flags": "list",
        "flags[]": "text",
        **segments("segments"),
    },
}


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() == timedelta(0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


TYPES = {
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "time": _is_time,
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "value": lambda value: isinstance(value, str | bool) or _is_number(value),
}


def written_out(table: Table) -> Table:
    """A table in which the types that are tables of their own are written out."""
    found: Table = {}
    for key, kind in table.items():
        name, _, null = kind.partition(" or ")
        if name not in NAMED:
            found[key] = kind
            continue
        prefix = "" if key == "." else f"{key}."
        found |= {} if key == "." else {key: "object or null" if null else "object"}
        found |= {f"{prefix}{inner}": of for inner, of in written_out(NAMED[name]).items()}
    return found


def keys_of(table: Table, path: str) -> set[str]:
    """The keys that an object at `path` has."""
    prefix = f"{path}." if path else ""
    inner = {key.removeprefix(prefix) for key in table if key.startswith(prefix)}
    return {name for name in inner if re.fullmatch(r"\w+|\*", name)}


def walk(value: Any, table: Table, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value in an answer, with its path as the table has it."""
    yield path, value
    if isinstance(value, list):
        for entry in value:
            yield from walk(entry, table, f"{path}[]")
    if isinstance(value, dict):
        prefix = f"{path}." if path else ""
        for name, inner in value.items():
            free = f"{prefix}*" in table
            yield from walk(inner, table, f"{prefix}{'*' if free else name}")


def problems(answer: Any, table: Table) -> list[str]:
    """In what an answer departs from its table: keys that are missing, unknown or of another type."""
    table = written_out(table)
    found = []
    for path, value in walk(answer, table):
        if isinstance(value, dict) and (expected := keys_of(table, path)) != {"*"}:
            found += [f"{path}: {name} is missing" for name in expected - value.keys()]
            found += [f"{path}: {name} is unknown" for name in value.keys() - expected]
        kind, _, null = table.get(path, "object" if path == "" else "").partition(" or ")
        if kind and not (TYPES[kind](value) or (null and value is None)):
            found.append(f"{path}: {value!r} is not {table.get(path)}")
    return found


# The homes that are asked


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """A home in which nothing has happened yet."""
    return Stage(tmp_path_factory.mktemp("empty") / "home")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A home with recordings in all states, living and dead processes, and trouble in the inbox."""
    stage = Stage(tmp_path_factory.mktemp("full") / "home")
    settings = Settings(home=stage.home)
    folders.prepare(settings)
    database = open_database(settings.database)
    records = Records(database)
    presence = Presence(database, settings.locks, "worker").enter()
    presence.beat("ready", json.dumps([asdict(Setup("cuda", "float16", 1, 0, 16))]))
    _die_as_a_worker(stage)
    _fill(records, Library(settings, records), presence.worker_id)
    with closing(HintQueue(settings.queue)) as hints:
        _fill_inbox(stage, Inbox(settings, database, records, hints))
    _lose_two(settings, records, Captures(database))
    (settings.models / "own").mkdir()
    (settings.models / "own" / "model.bin").write_bytes(b"12345")
    yield stage
    presence.leave()
    database.close()
    database.close()


def _die_as_a_worker(stage: Stage) -> None:
    command = [sys.executable, "-c", ENTERS, str(stage.home)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"entered\n"
        process.kill()


def _fill(records: Records, library: Library, worker_id: str) -> None:
    claim = _claimed(records, worker_id, "Größe 北京", candidate_id="C-17", project_id="P-3")
    _decode(records, claim)
    rows = [row for window in records.windows(claim.record.id) for row in transcript.stored(window.segments)]
    done = records.complete(claim, rows, duration_seconds=12.5, language="de", flags='["cut_short"]')
    library.file(done)

    silent = _claimed(records, worker_id, "silent")
    records.complete(silent, [], duration_seconds=3.0)

    running = _claimed(records, worker_id, "running")
    records.renew(running, lease_seconds=60, duration_seconds=100.0)
    _decode(records, running, progress=0.25, speed=4.0)
    _claimed(records, worker_id, "just begun")

    records.fail(_claimed(records, worker_id, "failed"), Failure("empty_file", "failed.wav is empty."))
    cancelled = records.add(source="added", title="cancelled", recording_path="/c.wav", sha256="c")
    records.cancel(cancelled.id)
    crashed = _claimed(records, worker_id, "crashed", options={"beam_size": 2, "vad": False})
    records.retry_later(crashed, Failure("engine_crashed", "SIGSEGV"), wait_seconds=300, crashed=True)
    records.add(source="added", title="waits", recording_path="/w.wav", options={"model": "small"})


def _claimed(records: Records, worker_id: str, title: str, **columns: Any) -> Claim:
    record = records.add(source="inbox", title=title, recording_path=f"/{title}.wav", sha256=title, **columns)
    claim = records.claim(record.id, worker_id=worker_id, model="tiny.en", lease_seconds=60)
    assert claim is not None
    return claim


def _decode(records: Records, claim: Claim, **columns: Any) -> None:
    """Decode a window of two segments, one of them without words."""
    measures = {"average_log_probability": -0.1, "no_speech_probability": 0.0, "compression_ratio": 1.0}
    said = [
        {"start_seconds": 0.0, "end_seconds": 4, "text": "Grüße an Frau Weber.", "words": None},
        {"start_seconds": 5.5, "end_seconds": 6.0, "text": "Ja.", "words": [[5.5, 6.0, " Ja.", 0.9]]}
        | {"doubts": ["improbable"]},
    ]
    window = {"start_seconds": 0.0, "end_seconds": 25.0, "stretch_seconds": 0.0}
    window["segments"] = json.dumps([segment | measures for segment in said])
    records.save_windows(claim, [window], **columns)


def _fill_inbox(stage: Stage, inbox: Inbox) -> None:
    for name in ("call.wav", "the same call.wav"):
        stage.drop(SAMPLE, name)
        inbox.sweep()
    stage.drop(SAMPLE, "locked.wav")
    InboxFile.create(
        path=str(stage.inbox / "locked.wav"), size_bytes=1, modified_ns=1, outcome=UNREADABLE, record=None
    )


def _lose_two(settings: Settings, records: Records, captures: Captures) -> None:
    """A recording in the inbox that somebody has deleted, and one that was not in the queue yet."""
    records.add(source="inbox", title="lost", recording_path=str(settings.inbox / "lost.wav"))
    how = {"title": "lost", "layout": "mono", "worker_id": "capture-1", "started_at": 1.0}
    captures.begin("lost", settings.inbox / "Call.wav", **how)


@pytest.fixture(scope="module")
def transcribed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, Any]:
    """A home in which one file has been transcribed for real and another could not be."""
    if bundled_folder() is None:
        skip_or_fail("the model tiny.en is not installed")
    folder = tmp_path_factory.mktemp("transcribed")
    stage = Stage(folder / "home")
    (folder / "empty.wav").touch()
    shutil.copy(SAMPLE, folder / "Gespräch.wav")
    done = stage.offhook("transcribe", folder / "Gespräch.wav", folder / "empty.wav", "--json")
    assert done.returncode == 1, done.stderr
    return stage, json.loads(done.stdout)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Stage, dict[str, list[Any]]]:
    """A home in which calls were recorded: one ended by a person, one by a disk that was full, one waits."""
    folder = tmp_path_factory.mktemp("recorded")
    write_wav(folder / "said.wav", np.full(16_000 * 30, 0.1, np.float32))
    sides = (("OFFHOOK_MICROPHONE", f"replay:{folder / 'said.wav'}"), ("OFFHOOK_LOOPBACK", "none"))
    stage = Stage(folder / "home", sides)
    said: dict[str, list[Any]] = {"state": [], "stop": [], "devices": []}
    with stage.process("capture_worker") as worker:
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        said["state"].append(stage.read("record", "state"))
        said["state"].append(stage.read("record", "start", "--candidate", "C", "--project", "P"))
        said["stop"].append(stage.read("record", "stop"))
        said["state"].append(stage.read("record", "state"))
        stage.read("record", "start")
        with _full_disk(worker.pid, stage.home):
            stage.wait_for(lambda: stage.read("record", "state")["state"] == "idle", "the full disk")
            said["state"].append(stage.read("record", "state"))
        stage.wait_for(lambda: len(stage.records()) == 2, "the recording to be queued later")
    both = Stage(folder / "home", (("OFFHOOK_MICROPHONE", "none"), ("OFFHOOK_LOOPBACK", sides[0][1])))
    manual = Stage(folder / "home", (*both.settings, ("OFFHOOK_FINALISE", "manual")))
    with manual.process("capture_worker"):
        manual.wait_for((stage.home / "control.json").exists, "the capture worker")
        said["state"].append(manual.read("record", "start"))
        said["stop"].append(manual.read("record", "stop"))
        said["state"].append(manual.read("record", "state"))
    gone = Stage(folder / "home", (("OFFHOOK_MICROPHONE", f"replay:{folder / 'gone.wav'}"),))
    said["devices"] += [stage.read("devices"), both.read("devices"), gone.read("devices")]
    return stage, said


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What a home says from which a person was erased, in the queue and not yet there."""
    folder = tmp_path_factory.mktemp("erased")
    stage, settings = Stage(folder / "home"), Settings(home=folder / "home")
    (folder / "own.wav").write_bytes(b"own")
    stage.read("add", folder / "own.wav", "--candidate", "C-17")
    with closing(open_database(settings.database)) as database:
        session = {"title": "Call", "layout": "mono", "worker_id": "capture-0", "candidate_id": "C-17"}
        Captures(database).begin("0-1-2", settings.inbox / "call.wav", started_at=1.0, **session)
    (settings.recording / "0-1-2.part").write_bytes(b"RIFF")
    begun = receipts.write(
        settings.receipts, "C-1", recordings=0, files=[folder / "own.wav"], stay=0, now=1.0
    )
    said = [stage.read("delete", "--candidate", "C-17", given) for given in ("--dry-run", "--yes")]
    pruned = [stage.read("prune", "--older-than", "90d", given) for given in ("--dry-run", "--yes")]
    found = [json.loads(path.read_text()) for path in (begun, Path(said[1]["receipt"]))]
    return {"offhook delete": said, "offhook prune": pruned, "The receipt of an erasure": found}


@contextmanager
def _full_disk(pid: int, home: Path) -> Iterator[None]:
    """Let a process write no file beyond what the growing one has now."""
    (part,) = (home / "recording").glob("*.part")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (part.stat().st_size + 32_000, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@dataclass
class Answers:
    """What every reading command says in every home, asked when it is first needed."""

    homes: tuple[Stage, ...]
    transcribed: Any
    recorded: dict[str, list[Any]]
    erased: dict[str, list[Any]]
    new: Path
    _said: dict[str, list[Any]] = field(default_factory=dict)

    def to(self, heading: str) -> list[Any]:
        """The answers under a heading of the contract."""
        if heading not in self._said:
            self._said[heading] = list(self._ask(heading))
        return self._said[heading]

    def _ask(self, heading: str) -> Iterator[Any]:
        command = heading.removeprefix("offhook ").split()
        if heading == "offhook transcribe":
            yield self.transcribed
        elif heading == "offhook add":
            given = ("--candidate", "C", "--project", "P", "--model", "small", "--vad")
            yield self.homes[0].read("add", self.new, *given)
            yield self.homes[0].read("add", SAMPLE, self.new)
        elif heading == "offhook backup":
            yield from (_backed_up(home, self.new.parent) for home in self.homes)
        elif heading == "offhook restore":
            for number, made in enumerate(self.to("offhook backup")):
                into = self.new.parent / f"restored {number}"
                yield self.homes[0].read("restore", made["path"], "--into", into)
        elif heading in self.erased:
            yield from self.erased[heading]
        elif command[-1] in self.recorded:
            yield from self.recorded[command[-1]]
        elif heading in ("offhook show", "The transcript as a file"):
            yield from (answer for home in self.homes for answer in _show(home, heading))
        else:
            words = ("g*",) if command == ["search"] else ()
            yield from (home.read(*command, *words) for home in self.homes)


def _backed_up(home: Stage, folder: Path) -> Any:
    """A backup, whether all that was to be in it was there or not."""
    done = home.offhook("backup", folder / "backups", "--json")
    made = json.loads(done.stdout)
    assert done.returncode == (1 if made["missing"] else 0), done.stderr
    return made


def _show(home: Stage, heading: str) -> Iterator[Any]:
    for record in home.records():
        if heading == "offhook show":
            yield home.read("show", str(record["id"]))
        elif record["status"] == "completed":
            yield json.loads(home.offhook("show", str(record["id"]), "--format", "json").stdout)


@pytest.fixture(scope="module")
def answers(
    empty: Stage,
    full: Stage,
    transcribed: tuple[Stage, Any],
    recorded: tuple[Stage, dict[str, list[Any]]],
    erased: dict[str, list[Any]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Answers:
    """The answers of four homes."""
    new = tmp_path_factory.mktemp("new") / "new.wav"
    new.write_bytes(b"new")
    stage, said = transcribed
    studio, told = recorded
    return Answers((empty, full, stage, studio), said, told, erased, new)


# The contract


@pytest.mark.parametrize("heading", CONTRACT)
def test_an_answer_has_the_keys_and_types_of_the_contract_and_no_others(
    answers: Answers, heading: str
) -> None:
    assert answers.to(heading)
    for answer in answers.to(heading):
        assert problems(answer, CONTRACT[heading]) == []


@pytest.mark.parametrize("heading", CONTRACT)
def test_every_key_is_seen_and_null_where_it_is_promised(answers: Answers, heading: str) -> None:
    """Otherwise the contract would promise what nobody has looked at."""
    seen = _seen(answers, heading)
    table = {key: kind for key, kind in CONTRACT[heading].items() if kind != "recording" and key != "."}
    table = written_out(table)
    assert {key: kind for key, kind in table.items() if seen.get(key) != _expected(kind)} == {}


def test_every_key_of_a_recording_is_seen_and_null_where_it_is_promised(answers: Answers) -> None:
    seen: dict[str, set[bool]] = {}
    for heading in ("offhook list", "offhook add"):
        for key, nulls in _seen(answers, heading).items():
            seen.setdefault(key.removeprefix("records[]."), set()).update(nulls)
    assert {key: kind for key, kind in RECORDING.items() if seen.get(key) != _expected(kind)} == {}


def test_every_key_of_an_erasure_is_seen_and_null_where_it_is_promised(answers: Answers) -> None:
    seen = _seen(answers, "offhook delete")
    assert {key: kind for key, kind in ERASURE.items() if seen.get(key) != _expected(kind)} == {}


def _seen(answers: Answers, heading: str) -> dict[str, set[bool]]:
    """Every key in the answers, and whether it was null."""
    seen: dict[str, set[bool]] = {}
    for answer in answers.to(heading):
        for path, value in walk(answer, written_out(CONTRACT[heading])):
            seen.setdefault(path, set()).add(value is None)
    return seen


def _expected(kind: str) -> set[bool]:
    return {True, False} if kind.endswith("or null") else {False}


def test_the_homes_that_are_asked_have_recordings_in_every_state(answers: Answers) -> None:
    (counts,) = [answer["counts"] for answer in answers.to("offhook status") if answer["running"]]
    assert {state for state, count in counts.items() if count} == set(STATES)
    workers = answers.to("offhook status")[1]["workers"]
    assert {worker["alive"] for worker in workers} == {True, False}


def test_the_options_of_a_recording_are_settings_that_may_be_chosen_for_it(answers: Answers) -> None:
    for answer in (*answers.to("offhook list"), *answers.to("offhook add")):
        for record in answer["records"]:
            assert set(record["options"]) <= set(RECORD_OPTIONS)


def test_every_setting_is_in_the_answer_of_config(answers: Answers) -> None:
    for answer in answers.to("offhook config"):
        assert list(answer["settings"]) == [f.name for f in fields(Settings)]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"hits": [], "more": 1}, ": more is unknown"),
        ({}, ": hits is missing"),
        ({"hits": None}, "hits: None is not list"),
        ([], ": [] is not None"),
    ],
)
def test_a_departure_from_the_contract_is_noticed(answer: Any, problem: str) -> None:
    assert problems(answer, CONTRACT["offhook search"]) == [problem]


def test_a_missing_key_of_a_recording_is_noticed_in_every_entry(answers: Answers) -> None:
    answer = json.loads(json.dumps(answers.to("offhook list")[1]))
    del answer["records"][2]["sha256"]
    answer["records"][0]["attempts"] = True
    assert sorted(problems(answer, CONTRACT["offhook list"])) == [
        "records[].attempts: True is not integer",
        "records[]: sha256 is missing",
    ]


def test_a_command_that_fails_prints_no_json(empty: Stage) -> None:
    done = empty.offhook("show", "4711", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "offhook: There is no recording 4711. `offhook list` shows them all.\n"


# The documentation


@pytest.mark.parametrize("heading", [*SECTIONS, *CONTRACT])
def test_the_documented_keys_and_types_are_those_of_the_contract(heading: str) -> None:
    assert documented(heading) == {**SECTIONS, **CONTRACT}[heading]


def test_no_other_answer_is_documented() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "docs" / "json.md").read_text("utf-8"), re.MULTILINE)
    assert set(headings) == {*SECTIONS, *CONTRACT}


def documented(heading: str) -> Table:
    """The table under a heading of docs/json.md: key -> type."""
    _, _, text = (ROOT / "docs" / "json.md").read_text("utf-8").partition(f"\n## {heading}\n")
    lines = text.split("\n## ")[0].splitlines()
    cells = ([cell.strip() for cell in line.split("|")] for line in lines if line.startswith("| `"))
    return {cell[1].strip("`"): cell[2] for cell in cells}
