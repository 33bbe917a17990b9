"""A backup is whole, whatever goes on beside it; a restore brings back all of it or nothing."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from peewee import SqliteDatabase

from archive.backup.copying import CannotBackUp, copy_database
from archive.backup.make import LOCK, Backup, back_up
from archive.backup.manifest import BadBackup, Manifest
from archive.backup.restore import CannotRestore, Restored, restore
from archive.exports import FORMATS
from archive.library import Library
from offhook.desk.desk import Desk
from offhook.desk.search import find
from shared.errors import NewerDatabase
from shared.files import Fingerprint, sha256_of
from shared.home import prepare
from shared.locks import FileLock
from shared.settings import Settings
from shared.store import migrations
from shared.store.captures import Captures
from shared.store.claims import Claim, Failure
from shared.store.migrations import MIGRATIONS
from shared.store.models import Capture, InboxFile, Record, Worker
from shared.store.records import Records
from shared.store.sqlite import open_database
from shared.store.transitions import STATES
from shared.workers import Presence
from tests.conftest import skip_or_fail
from tests.stage import ROOT

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
MEMORY = Path("/dev/shm")
SAID = "Guten Morgen, Frau Zwetschgenmann."

# Runs a command and kills it just before a step: a change to the file system below a folder.
MORTAL = """
import os, signal, sys
from offhook.cli import main

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.utime", "sqlite3.connect"}
left, below = int(sys.argv[1]), sys.argv[2]

def notice(event, arguments):
    global left
    writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if (writes or event in CHANGES) and str(arguments[0]).startswith(below):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1

sys.addaudithook(notice)
main(sys.argv[3:])
"""


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def put(path: Path, content: bytes) -> dict[str, Any]:
    """Write a recording, and describe its content as a record does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))}


class Home:
    """A home, and what happens in it."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(home=folder)
        prepare(self.settings)
        self.desk = Desk({"home": str(folder)})
        self.database, self.records = self.desk.database, self.desk.records
        self.library = Library(self.settings, self.records)

    def queued(self, name: str, content: bytes | None = None, **columns: Any) -> Record:
        path = self.settings.inbox / f"{name}.wav"
        known = put(path, content or name.encode())
        record = self.records.add(source="inbox", title=name, recording_path=str(path), **(columns | known))
        InboxFile.create(path=str(path), outcome="adopted", record=record.id, **asdict(Fingerprint.of(path)))
        return record

    def claimed(self, name: str) -> Claim:
        record = self.queued(name)
        claim = self.records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
        assert claim is not None
        return claim

    def completed(self, name: str) -> Record:
        """A recording in the library, with its transcripts."""
        return self.finish(self.claimed(name))

    def finish(self, claim: Claim) -> Record:
        segment = {"start_seconds": 0.0, "end_seconds": 2.0, "text": SAID}
        done = self.records.complete(claim, [segment], duration_seconds=2.0, language="de")
        self.library.file(done)
        return self.records.get(done.id)

    def transcribed(self, record: Record) -> Record:
        """What a worker makes of a queued recording."""
        claim = self.records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
        assert claim is not None
        return self.finish(claim)

    def waiting_capture(self, session_id: str) -> Path:
        """A stopped recording that waits for somebody to attach or discard it."""
        place = self.settings.inbox / f"Call {session_id}.wav"
        columns = {"title": "Waits", "layout": "mono", "worker_id": "capture-1", "started_at": 1.0}
        Captures(self.database).begin(session_id, place, **columns)
        Captures(self.database).change(session_id, state="waiting")
        part = self.settings.recording / f"{session_id}.part"
        part.write_bytes(b"said by nobody else")
        return part

    def back_up(self, folder: Path, report: Callable[[str, int, int], None] = silent) -> Backup:
        self.database.bind((Record, Capture, InboxFile, Worker))
        return back_up(self.settings, self.records, folder, report)

    def close(self) -> None:
        self.database.close()


@pytest.fixture
def home(tmp_path: Path) -> Any:
    home = Home(tmp_path / "home")
    yield home
    home.close()


@pytest.fixture
def full(home: Home, tmp_path: Path) -> Home:
    """A home with recordings in every state, one outside of it, and one that waits."""
    home.completed("completed")
    home.queued("queued")
    processing = home.claimed("processing")
    window = {"start_seconds": 0.0, "end_seconds": 5.0, "stretch_seconds": 0.0, "segments": "[]"}
    home.records.save_windows(processing, [window])
    home.records.fail(home.claimed("failed"), Failure("empty_file", "It is empty."))
    home.records.cancel(home.queued("cancelled").id)
    outside = tmp_path / "outside.wav"
    home.records.add(source="added", title="outside", recording_path=str(outside), **put(outside, b"outside"))
    home.waiting_capture("waits")
    Worker.create(id="worker-1", kind="worker", pid=1, state="working", started_at=1.0, last_seen_at=2.0)
    home.records.set_paused(True)
    (home.settings.home / "config.toml").write_text('language = "de"\n')
    for name in (
        "models/own/model.bin",
        "logs/worker.log",
        "control.json",
        "queue.db",
        "tuning.json",
        "locks/worker-1.lock",
    ):
        put(home.settings.home / name, b"not in a backup")
    return home


@pytest.fixture
def backup(full: Home, tmp_path: Path) -> Path:
    path = full.back_up(tmp_path / "backups").path
    full.close()
    return path


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def assert_whole(backup: Backup) -> None:
    """Every record in the backup has its very file in it, or is listed."""
    listed = {entry.record_id for entry in (*backup.manifest.missing, *backup.manifest.elsewhere)}
    home = Path(backup.manifest.home)
    with closing(sqlite3.connect(backup.path / "offhook.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute("SELECT id, recording_path, sha256 FROM call_records").fetchall()
    for record_id, path, sha256 in rows:
        if record_id not in listed:
            assert sha256_of(backup.path / Path(path).relative_to(home)) == sha256, path
    for name, entry in backup.manifest.files.items():
        assert sha256_of(backup.path / name) == entry.sha256, name
        assert (backup.path / name).stat().st_size == entry.size_bytes
    assert files(backup.path) == {*backup.manifest.files, "manifest.json"}


def offhook(*arguments: object, home: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "offhook", "--home", str(home), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60)


def offhook_with_files_of_at_most(size_bytes: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command that finds no room for more than that in a file."""
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size_bytes}, {size_bytes}))"
    command = [sys.executable, "-c", f"{limited}; from offhook.cli import main; main()"]
    return subprocess.run(
        [*command, *map(str, arguments)], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60
    )


def bring_back(backup: Path, home: Path) -> Restored:
    return restore(backup, Settings(home=home), silent)


# What is in a backup


def test_a_backup_has_the_files_that_its_database_refers_to_and_no_others(full: Home, tmp_path: Path):
    backup = full.back_up(tmp_path / "backups")

    assert_whole(backup)
    stem = full.records.select().where(Record.title == "completed").get().library_stem
    assert files(backup.path) == {
        "manifest.json",
        "offhook.db",
        "config.toml",
        "recording/waits.part",
        *(f"inbox/{name}.wav" for name in ("queued", "processing", "failed", "cancelled")),
        *(f"library/{stem}.{suffix}" for suffix in ("wav", *FORMATS)),
    }
    assert backup.manifest.missing == []
    assert [Path(entry.path).name for entry in backup.manifest.elsewhere] == ["outside.wav"]
    assert backup.manifest.counts == dict.fromkeys(STATES, 1) | {"queued": 2}
    assert backup.manifest.schema == [migration.name for migration in MIGRATIONS]


def test_a_backup_is_named_after_its_moment_and_stands_beside_others(home: Home, tmp_path: Path):
    folder = tmp_path / "not there" / "yet"
    at = time.mktime((2026, 11, 25, 14, 3, 9, 0, 0, -1))

    paths = [back_up(home.settings, home.records, folder, silent, clock=lambda: at).path for _ in range(2)]

    assert [path.name for path in paths] == [
        "offhook-backup-20261125-140309",
        "offhook-backup-20261125-140310",
    ]
    assert {path.name for path in folder.iterdir()} == {LOCK, *(path.name for path in paths)}


def test_the_copied_database_is_one_file_that_reads_where_nothing_can_be_written(full: Home, tmp_path: Path):
    backup = full.back_up(tmp_path / "backups")

    with closing(sqlite3.connect(f"file:{backup.path / 'offhook.db'}?immutable=1", uri=True)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert database.execute("SELECT count(*) FROM call_records").fetchone() == (6,)


@POSIX_ONLY
def test_a_backup_and_what_is_restored_from_it_are_their_owners_alone(backup: Path, tmp_path: Path):
    bring_back(backup, tmp_path / "new")

    for root in (backup.parent, tmp_path / "new"):
        for path in (root, *root.rglob("*")):
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_progress_is_told_for_the_database_and_for_the_files(full: Home, tmp_path: Path):
    told: list[tuple[str, int, int]] = []

    full.back_up(tmp_path / "backups", lambda *progress: told.append(progress))

    assert {what for what, _, _ in told} == {"database", "files"}
    assert all(0 <= done <= total for _, done, total in told)
    assert told[-1][1] == told[-1][2]


# While everything runs


def once(action: Callable[[], object]) -> Callable[[str, int, int], None]:
    """Do something the moment that the database is copied."""
    left = [action]

    def report(what: str, done: int, total: int) -> None:
        if what == "database" and done == total and left:
            left.pop()()

    return report


def test_a_recording_that_moves_to_the_library_meanwhile_is_in_the_backup_as_the_database_knows_it(
    home: Home, tmp_path: Path
):
    record = home.queued("moves")

    backup = home.back_up(tmp_path / "backups", once(lambda: home.transcribed(record)))

    assert not Path(record.recording_path).exists()
    assert (backup.path / "inbox" / "moves.wav").read_bytes() == b"moves"
    assert_whole(backup)
    assert backup.manifest.missing == []


def test_a_recording_whose_name_another_one_has_taken_meanwhile_is_not_mixed_up_with_it(
    home: Home, tmp_path: Path
):
    record = home.queued("call")

    def take_the_name() -> None:
        home.transcribed(record)
        put(Path(record.recording_path), b"another call")

    backup = home.back_up(tmp_path / "backups", once(take_the_name))

    assert (backup.path / "inbox" / "call.wav").read_bytes() == b"call"
    assert backup.manifest.missing == []


def test_a_stopped_recording_that_is_queued_meanwhile_is_in_the_backup_as_one_that_waits(
    home: Home, tmp_path: Path
):
    part = home.waiting_capture("waits")

    def release() -> None:
        place = Path(Captures(home.database).get("waits").recording_path)
        part.replace(place)
        content = {"sha256": sha256_of(place), **asdict(Fingerprint.of(place))}
        home.transcribed(Captures(home.database).queue("waits", content))

    backup = home.back_up(tmp_path / "backups", once(release))

    assert (backup.path / "recording" / "waits.part").read_bytes() == b"said by nobody else"
    assert backup.manifest.missing == []


def test_a_backup_whose_place_has_gone_does_not_blame_the_recordings(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As when its drive was pulled out, or a path is too long for Windows."""
    home.queued("call")
    folder, written = tmp_path / "backups", Path.open

    def opened(path: Path, *arguments: Any, **named: Any) -> Any:
        if path.is_relative_to(folder) and path.name == "call.wav":
            raise FileNotFoundError(errno.ENOENT, "No such file", str(path))
        return written(path, *arguments, **named)

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(FileNotFoundError):
        home.back_up(folder)
    assert files(folder) == {LOCK}


def test_the_receipt_of_an_erasure_outlives_the_machine_it_was_made_on(home: Home, tmp_path: Path):
    home.completed("call")
    Record.update(candidate_id="C-17").execute()
    home.close()
    assert offhook("delete", "--candidate", "C-17", "--yes", home=home.settings.home).returncode == 0
    (receipt,) = home.settings.receipts.iterdir()

    backup = offhook("backup", tmp_path / "backups", home=home.settings.home).stdout.strip()
    bring_back(Path(backup), tmp_path / "new")

    restored = tmp_path / "new" / "receipts" / receipt.name
    assert json.loads(restored.read_text())["finished_at"]
    assert restored.read_bytes() == receipt.read_bytes()


def test_a_home_that_was_moved_as_a_whole_is_backed_up_with_the_recordings_in_its_library(
    home: Home, tmp_path: Path
):
    record = home.completed("call")
    home.close()
    home.settings.home.rename(tmp_path / "moved")

    done = offhook("backup", tmp_path / "backups", "--json", home=tmp_path / "moved")

    backup = Path(json.loads(done.stdout)["path"])
    assert json.loads(done.stdout)["elsewhere"] == []
    assert (backup / f"library/{record.library_stem}.wav").read_bytes() == b"call"
    bring_back(backup, tmp_path / "new")
    restored = Home(tmp_path / "new")
    assert restored.library.find(restored.records.get(record.id)).read_bytes() == b"call"
    restored.close()


@pytest.mark.parametrize(
    ("happens", "reason"),
    [
        (lambda path: path.unlink(), "gone"),
        (lambda path: path.write_bytes(b"something else"), "changed"),
        (lambda path: (path.unlink(), path.mkdir()), "unreadable"),
    ],
)
def test_a_recording_that_is_not_as_the_database_knows_it_is_listed_and_the_rest_is_copied(
    home: Home, tmp_path: Path, happens: Callable[[Path], object], reason: str
):
    record, _ = home.queued("lost"), home.queued("other")
    happens(Path(record.recording_path))
    home.close()

    done = offhook("backup", tmp_path / "backups", home=home.settings.home)

    assert done.returncode == 1
    assert f"offhook: recording {record.id}: " in done.stderr
    assert "lost.wav" in done.stderr
    path = Path(done.stdout.strip())
    listed = json.loads((path / "manifest.json").read_text())["missing"]
    assert listed == [{"record_id": record.id, "path": record.recording_path, "reason": reason}]
    assert (path / "inbox" / "other.wav").read_bytes() == b"other"


def test_a_database_that_is_written_to_all_the_time_is_copied_as_it_was_at_one_moment(
    home: Home, tmp_path: Path
):
    """Each commit is a pair of rows; a copy that had begun anew for each would not come to an end."""
    padding = "x" * 20_000
    for number in range(400):
        home.records.add(source="inbox", title=f"{number} {padding}", recording_path="/a.wav")
    stop, written = threading.Event(), []

    def write() -> None:
        with closing(sqlite3.connect(home.settings.database, timeout=30)) as database:
            while not stop.is_set():
                with database:
                    for name in ("one", "two"):
                        database.execute(
                            "INSERT OR REPLACE INTO controls VALUES (?, ?)", (name, len(written))
                        )
                written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 3:
            time.sleep(0.01)
        before, steps = len(written), []
        copy_database(
            home.settings.database,
            tmp_path / "copy.db",
            lambda done, total: (steps.append(done), time.sleep(0.02)),
        )
        during = len(written) - before
    finally:
        stop.set()
        writer.join()

    assert during > 3, "nothing was written meanwhile"
    assert steps == sorted(set(steps)), "it began anew"
    with closing(sqlite3.connect(tmp_path / "copy.db")) as database:
        one, two = (value for (value,) in database.execute("SELECT value FROM controls ORDER BY name"))
    assert one == two


def test_a_damaged_database_is_not_backed_up_over_good_backups(home: Home, tmp_path: Path):
    for number in range(50):
        home.records.add(source="inbox", title=f"{number}" * 2000, recording_path="/a.wav")
    home.close()
    content = bytearray(home.settings.database.read_bytes())
    content[-6 * 4096 :] = bytes(6 * 4096)
    home.settings.database.write_bytes(content)

    done = offhook("backup", tmp_path / "backups", home=home.settings.home)

    assert done.returncode == 1
    assert "offhook doctor" in done.stderr
    assert {path.name for path in (tmp_path / "backups").iterdir()} <= {LOCK}


# Where to


@POSIX_ONLY
def test_a_disk_that_fills_while_the_database_is_copied_is_named_and_leaves_no_backup(
    home: Home, tmp_path: Path
):
    """No room is left in the middle of the copy: the room that was there when it began has gone since."""
    home.close()
    arguments = ["--home", home.settings.home, "backup", tmp_path / "backups"]

    done = offhook_with_files_of_at_most(40_000, *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"offhook: {home.settings.database} cannot be copied to {tmp_path}")
    assert files(tmp_path / "backups") == {LOCK}


@pytest.mark.parametrize("where", [".", "backups", "inbox/backups"])
def test_a_backup_into_the_home_itself_is_refused(home: Home, where: str):
    with pytest.raises(CannotBackUp, match="Choose a folder outside"):
        home.back_up(home.settings.home / where)

    assert not (home.settings.home / where / LOCK).exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows lets not everybody make links")
def test_a_backup_into_the_home_by_another_name_is_refused(home: Home, tmp_path: Path):
    (tmp_path / "link").symlink_to(home.settings.home)

    with pytest.raises(CannotBackUp):
        home.back_up(tmp_path / "link" / "backups")


def test_two_backups_at_once_into_one_folder_do_not_take_each_other_for_left_over(home: Home, tmp_path: Path):
    other = Home(tmp_path / "other home")
    refused: list[object] = []

    def begin_another() -> None:
        with pytest.raises(CannotBackUp, match="Another backup") as caught:
            back_up(other.settings, other.records, tmp_path / "backups", silent)
        refused.append(caught.value)

    backup = home.back_up(tmp_path / "backups", lambda *_: begin_another() if not refused else None)

    assert refused
    assert_whole(backup)
    other.close()


def test_a_backup_for_which_there_is_no_room_is_refused_before_it_fills_the_disk(home: Home, tmp_path: Path):
    record = home.queued("huge")
    home.records.note_move(record.id, record.recording_path, {"size_bytes": 2**60})

    with pytest.raises(CannotBackUp, match="MB are needed"):
        home.back_up(tmp_path / "backups")

    assert {path.name for path in (tmp_path / "backups").iterdir()} == {LOCK}


@pytest.mark.skipif(not MEMORY.is_dir(), reason="only Linux has a disk in memory")
def test_room_for_a_recording_that_runs_is_left_on_its_own_disk_and_on_no_other(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home.queued("call")
    if MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        skip_or_fail("needs a second file system")
    monkeypatch.setattr("archive.backup.make.SPARE_BYTES", 2**60)
    with pytest.raises(CannotBackUp, match="MB are needed"):
        home.back_up(tmp_path / "backups")
    with tempfile.TemporaryDirectory(dir=MEMORY) as stick:
        assert_whole(home.back_up(Path(stick)))


# Killed


def die_at(step: int, below: Path, home: Path, *arguments: object) -> bool:
    """Run a command that is killed before a step; False if there were not so many."""
    command = [sys.executable, "-c", MORTAL, str(step), str(below), "--home", str(home), *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@POSIX_ONLY
def test_a_backup_that_is_killed_at_any_step_leaves_nothing_that_looks_finished(full: Home, tmp_path: Path):
    full.close()
    folder, steps = tmp_path / "backups", 0
    while die_at(steps, folder, full.settings.home, "backup", folder):
        steps += 1
        finished = [path for path in folder.glob("offhook-backup-*") if path.suffix != ".part"]
        for path in finished:  # killed behind the last step of all
            bring_back(path, tmp_path / f"restored {steps}")
            shutil.rmtree(path)

    assert steps > 20
    (path,) = folder.glob("offhook-backup-*")
    assert path.suffix != ".part"
    assert len(list((path / "inbox").iterdir())) == 4


@POSIX_ONLY
def test_a_restore_that_is_killed_at_any_step_leaves_no_recording_and_can_be_run_again(
    backup: Path, tmp_path: Path
):
    new, steps = tmp_path / "new", 0
    while die_at(steps, new, new, "restore", backup):
        steps += 1
        if (new / "offhook.db").exists():  # the last step that counts is done
            break

    assert steps > 40
    if not (new / "offhook.db").exists():
        pytest.fail("it was never killed behind its last step")
    assert_restored(new)
    for step in (0, steps // 4, steps // 2, steps - 8, steps - 2):
        shutil.rmtree(new)
        assert die_at(step, new, new, "restore", backup)
        assert not (new / "offhook.db").exists(), step
        bring_back(backup, new)
        assert_restored(new)
        assert not (new / "restore.part").exists()


def assert_restored(new: Path) -> None:
    database = open_database(new / "offhook.db")
    try:
        records = {record.title: record for record in Records(database).select()}
        assert len(records) == 6
        for title, record in records.items():
            path = Path(record.recording_path)
            if title != "outside":
                assert path.is_relative_to(new)
            assert path.read_bytes() == title.encode()
            assert Fingerprint.of(path) == Fingerprint(record.size_bytes or 0, record.modified_ns or 0), title
        assert [hit.title for hit in find(database, "Zwetschgenmann", 9)] == ["completed"]
    finally:
        database.close()


# What a restore brings back


def test_a_restored_home_has_every_recording_where_its_database_says(backup: Path, tmp_path: Path):
    restored = bring_back(backup, tmp_path / "new")

    assert restored.queued_again == 1
    assert_restored(tmp_path / "new")
    assert (tmp_path / "new" / "config.toml").read_text() == 'language = "de"\n'
    assert (tmp_path / "new" / "recording" / "waits.part").read_bytes() == b"said by nobody else"
    assert not (tmp_path / "new" / "restore.part").exists()


def test_no_path_in_a_restored_database_leads_into_the_old_home(backup: Path, full: Home, tmp_path: Path):
    bring_back(backup, tmp_path / "new")

    database = open_database(tmp_path / "new" / "offhook.db")
    try:
        for model, column in ((Record, "recording_path"), (InboxFile, "path"), (Capture, "recording_path")):
            paths = [Path(getattr(row, column)) for row in model.select()]
            assert paths
            assert not any(path.is_relative_to(full.settings.home) for path in paths)
    finally:
        database.close()


def test_what_a_worker_held_is_queued_again_where_it_was_and_the_worker_is_forgotten(
    backup: Path, tmp_path: Path
):
    bring_back(backup, tmp_path / "new")

    database = open_database(tmp_path / "new" / "offhook.db")
    try:
        record = Record.get(Record.title == "processing")
        assert (record.transcription_status, record.attempts, record.crashes) == ("queued", 0, 0)
        assert (record.claim_token, record.worker_id) == (None, None)
        assert len(Records(database).windows(record.id)) == 1
        assert Worker.select().count() == 0
        assert Records(database).paused()
    finally:
        database.close()


def test_a_backup_that_was_copied_without_its_times_still_knows_them(backup: Path, tmp_path: Path):
    for path in backup.rglob("*"):
        os.utime(path, ns=(1, 1))

    bring_back(backup, tmp_path / "new")

    assert_restored(tmp_path / "new")


def test_a_backup_from_windows_leads_into_the_new_home(home: Home, tmp_path: Path):
    home.queued("call")
    backup = home.back_up(tmp_path / "backups")
    home.close()
    with closing(sqlite3.connect(backup.path / "offhook.db")) as database, database:
        database.execute("UPDATE call_records SET recording_path = 'c:\\Users\\Me\\Offhook\\inbox\\call.wav'")
    manifest = {
        **json.loads((backup.path / "manifest.json").read_text()),
        "home": "C:\\Users\\Me\\Offhook",
    }
    seal(backup.path, manifest, "offhook.db")

    bring_back(backup.path, tmp_path / "new")

    database = open_database(tmp_path / "new" / "offhook.db")
    assert Path(Record.get().recording_path).read_bytes() == b"call"
    database.close()


def test_the_home_of_the_settings_is_the_place_unless_another_one_is_named(backup: Path, tmp_path: Path):
    done = offhook("restore", backup, home=tmp_path / "own")
    assert (done.returncode, done.stdout) == (0, f"Restored into {tmp_path / 'own'}\n"), done.stderr

    done = offhook("restore", backup, "--into", tmp_path / "other", "--json", home=tmp_path / "own")
    assert json.loads(done.stdout)["home"] == str(tmp_path / "other")
    for new in ("own", "other"):
        assert_restored(tmp_path / new)


# What is refused


def seal(backup: Path, manifest: dict[str, Any], *names: str) -> None:
    """Write a manifest that agrees with files that were changed."""
    for name in names:
        path = backup / name
        entry = {"size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
        manifest["files"][name] |= entry
    (backup / "manifest.json").write_text(json.dumps(manifest))


def change(path: Path) -> None:
    """Change one bit; size and time stay."""
    content, times = bytearray(path.read_bytes()), path.stat()
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("happens", [change, Path.unlink, lambda path: path.write_bytes(b"")])
def test_a_file_that_was_manipulated_is_named_and_nothing_is_restored(
    backup: Path, tmp_path: Path, happens: Callable[[Path], object]
):
    names = sorted(files(backup) - {"manifest.json"})
    for name in names:
        copy = tmp_path / "copy"
        shutil.copytree(backup, copy)
        happens(copy / name)

        with pytest.raises(BadBackup) as caught:
            bring_back(copy, tmp_path / "new")

        assert name in str(caught.value)
        assert not (tmp_path / "new").exists()
        shutil.rmtree(copy)


@pytest.mark.parametrize(
    "damage",
    [
        lambda found: found.clear(),
        lambda found: found.pop("files"),
        lambda found: found["files"].pop("offhook.db"),
        lambda found: found["files"].update({"../escaped": found["files"]["config.toml"]}),
        lambda found: found["files"].update({"/escaped": found["files"]["config.toml"]}),
        lambda found: found["files"].update({"locks/worker.lock": found["files"]["config.toml"]}),
        lambda found: found["files"].update({"a\0b": found["files"]["config.toml"]}),
        lambda found: found["files"]["config.toml"].pop("sha256"),
        lambda found: found["files"]["config.toml"].update(size_bytes="1"),
        lambda found: found["counts"].update(completed="many"),
        lambda found: found.update(counts=[]),
        lambda found: found.update(schema=[1]),
        lambda found: found.update(missing=[{"record_id": "1", "path": "", "reason": ""}]),
        lambda found: found.update(format=2),
    ],
)
def test_a_manifest_that_is_damaged_or_deceives_is_refused(
    backup: Path, tmp_path: Path, damage: Callable[[dict[str, Any]], object]
):
    found = json.loads((backup / "manifest.json").read_text())
    damage(found)
    (backup / "manifest.json").write_text(json.dumps(found))

    with pytest.raises(BadBackup):
        bring_back(backup, tmp_path / "new")

    assert not (tmp_path / "new").exists()
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '"text"'])
def test_a_manifest_that_is_none_is_refused(backup: Path, tmp_path: Path, content: str):
    (backup / "manifest.json").write_text(content)

    done = offhook("restore", backup, home=tmp_path / "new")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "manifest.json is damaged" in done.stderr


def test_an_unfinished_backup_is_refused(backup: Path, tmp_path: Path):
    (backup / "manifest.json").unlink()

    with pytest.raises(BadBackup, match="not a whole backup"):
        bring_back(backup, tmp_path / "new")


@POSIX_ONLY
def test_a_link_in_a_backup_is_not_followed(backup: Path, tmp_path: Path):
    path = backup / "config.toml"
    path.replace(tmp_path / "moved.toml")
    path.symlink_to(tmp_path / "moved.toml")

    with pytest.raises(BadBackup, match=r"config\.toml"):
        bring_back(backup, tmp_path / "new")


@POSIX_ONLY
def test_a_restore_that_finds_the_disk_full_leaves_nothing_of_what_it_had_made_ready(
    backup: Path, tmp_path: Path
):
    arguments = ["--home", tmp_path / "new", "restore", backup]

    done = offhook_with_files_of_at_most(40_000, *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path / 'new'}/restore.part/offhook.db: File too large" in done.stderr
    assert files(tmp_path / "new") == {"locks/restore.lock"}


@POSIX_ONLY
def test_a_pipe_in_a_backup_is_not_waited_for(backup: Path, tmp_path: Path):
    found = json.loads((backup / "manifest.json").read_text())
    found["files"]["inbox/pipe.wav"] = {
        "size_bytes": 0,
        "modified_ns": 1,
        "sha256": hashlib.sha256().hexdigest(),
    }
    (backup / "manifest.json").write_text(json.dumps(found))
    os.mkfifo(backup / "inbox" / "pipe.wav")

    done = offhook("restore", backup, home=tmp_path / "new")

    assert (done.returncode, done.stdout) == (1, "")
    assert "inbox/pipe.wav is no file" in done.stderr


def make_up(backup: Path, *statements: str) -> None:
    """Change the database of a backup, and have the manifest agree."""
    with closing(sqlite3.connect(backup / "offhook.db")) as database, database:
        for statement in statements:
            database.execute(statement)
    seal(backup, json.loads((backup / "manifest.json").read_text()), "offhook.db")


@pytest.mark.parametrize("stem", ["../../escaped", "2026/../../../escaped", "/tmp/escaped"])
def test_a_database_that_would_have_transcripts_written_elsewhere_is_refused(
    backup: Path, tmp_path: Path, stem: str
):
    make_up(backup, f"UPDATE call_records SET library_stem = '{stem}' WHERE title = 'completed'")

    with pytest.raises(BadBackup, match="made up"):
        bring_back(backup, tmp_path / "new")

    assert files(tmp_path / "new") == {"locks/restore.lock"}


def test_a_database_that_was_made_up_has_no_file_deleted_that_is_not_its_own(backup: Path, tmp_path: Path):
    own = [tmp_path / "thesis.doc", tmp_path / "song.wav"]
    for path in own:
        path.write_bytes(b"a person's own")
    make_up(
        backup,
        f"INSERT INTO inbox_files VALUES ('{own[0]}', 1, 1, 'adopted', 1)",
        f"UPDATE call_records SET recording_path = '{tmp_path}/new/library/../../song.wav' WHERE id = 1",
        "INSERT INTO controls VALUES ('erase:1', '{}')",
    )
    new = tmp_path / "new"
    bring_back(backup, new)

    done = offhook("prune", "--older-than", "9y", "--yes", home=new)  # finishes what was begun

    assert "Recording 1: deleted" in done.stdout, done.stderr
    assert [path.read_bytes() for path in own] == [b"a person's own"] * 2


def test_a_backup_of_a_newer_schema_is_refused_untouched(backup: Path, tmp_path: Path):
    with closing(sqlite3.connect(backup / "offhook.db")) as database, database:
        database.execute("INSERT INTO migrations VALUES ('9000_future')")
    manifest = json.loads((backup / "manifest.json").read_text())
    seal(backup, manifest | {"schema": [*manifest["schema"], "9000_future"]}, "offhook.db")
    before = {name: sha256_of(backup / name) for name in files(backup)}

    with pytest.raises(NewerDatabase, match=r"9000_future.*update offhook"):
        bring_back(backup, tmp_path / "new")

    assert not (tmp_path / "new").exists()
    assert {name: sha256_of(backup / name) for name in files(backup)} == before


def test_a_newer_schema_that_the_manifest_does_not_tell_of_is_refused_all_the_same(
    backup: Path, tmp_path: Path
):
    with closing(sqlite3.connect(backup / "offhook.db")) as database, database:
        database.execute("INSERT INTO migrations VALUES ('9000_future')")
    seal(backup, json.loads((backup / "manifest.json").read_text()), "offhook.db")

    with pytest.raises(NewerDatabase):
        bring_back(backup, tmp_path / "new")

    assert not (tmp_path / "new" / "offhook.db").exists()


def test_a_home_that_has_recordings_is_not_restored_over(backup: Path, full: Home):
    before = {name: sha256_of(full.settings.home / name) for name in files(full.settings.home)}

    with pytest.raises(CannotRestore, match="--into"):
        bring_back(backup, full.settings.home)

    assert {name: sha256_of(full.settings.home / name) for name in files(full.settings.home)} == before


def test_what_was_queued_while_a_restore_copied_is_not_restored_over(backup: Path, tmp_path: Path):
    new = tmp_path / "new"

    def queue(what: str, done: int, total: int) -> None:
        if what == "copying" and not (new / "offhook.db").exists():
            with closing(open_database(new / "offhook.db")) as database:
                Records(database).add(source="added", title="meanwhile", recording_path="/meanwhile.wav")

    with pytest.raises(CannotRestore, match="has recordings already"):
        restore(backup, Settings(home=new), queue)

    with closing(sqlite3.connect(new / "offhook.db")) as database:
        assert database.execute("SELECT title FROM call_records").fetchall() == [("meanwhile",)]


def test_a_home_in_which_something_runs_is_not_restored_over(backup: Path, tmp_path: Path):
    new = Home(tmp_path / "new")
    presence = Presence(new.database, new.settings.locks, "worker").enter()
    try:
        with pytest.raises(CannotRestore, match="Stop it"):
            bring_back(backup, new.settings.home)
        assert Record.select().count() == 0
    finally:
        presence.leave()
        new.close()


def test_a_home_that_was_only_looked_at_takes_a_backup_and_keeps_its_models(backup: Path, tmp_path: Path):
    new = Home(tmp_path / "new")
    put(new.settings.models / "own" / "model.bin", b"a model")
    new.close()

    bring_back(backup, new.settings.home)

    assert_restored(new.settings.home)
    assert (new.settings.models / "own" / "model.bin").read_bytes() == b"a model"


@pytest.mark.parametrize("name", ["inbox/queued.wav", "config.toml"])
def test_a_file_that_is_in_the_way_is_named_and_stays(backup: Path, tmp_path: Path, name: str):
    new = tmp_path / "new"
    put(new / name, b"here before")

    with pytest.raises(CannotRestore, match="in the way"):
        bring_back(backup, new)

    assert (new / name).read_bytes() == b"here before"
    assert files(new) == {name}


def test_a_newer_database_in_the_new_home_is_left_alone(backup: Path, tmp_path: Path):
    new = Home(tmp_path / "new")
    new.database.execute_sql("INSERT INTO migrations VALUES ('9000_future')")
    new.close()
    before = new.settings.database.read_bytes()

    with pytest.raises(NewerDatabase):
        bring_back(backup, new.settings.home)

    assert new.settings.database.read_bytes() == before


def test_two_restores_at_once_do_not_mix(backup: Path, tmp_path: Path):
    new = Home(tmp_path / "new")
    new.close()
    lock = FileLock(new.settings.locks / "restore.lock")
    assert lock.acquire()
    try:
        with pytest.raises(CannotRestore, match="Another restore"):
            bring_back(backup, new.settings.home)
    finally:
        lock.release()


# Of another version


def make_older(path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a database anew as an offhook has it that knows the first migrations alone."""
    older = SqliteDatabase(str(path.with_suffix(".older")))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "MIGRATIONS", MIGRATIONS[:count])
        migrations.migrate(older)
    older.attach(str(path), "newer")
    for table in set(older.get_tables()) - {"migrations"}:
        if not table.startswith("segments_search"):
            names = ", ".join(column.name for column in older.get_columns(table))
            older.execute_sql(f"INSERT INTO {table} ({names}) SELECT {names} FROM newer.{table}")
    older.close()
    path.with_suffix(".older").replace(path)


@pytest.mark.parametrize("count", range(4, len(MIGRATIONS)))
def test_a_backup_of_an_older_schema_is_brought_up_to_date(
    backup: Path, tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
):
    make_older(backup / "offhook.db", count, monkeypatch)
    manifest = json.loads((backup / "manifest.json").read_text())
    seal(backup, manifest | {"schema": manifest["schema"][:count]}, "offhook.db")

    bring_back(backup, tmp_path / "new")

    assert_restored(tmp_path / "new")


def test_a_manifest_is_read_as_it_was_written(full: Home, tmp_path: Path):
    from archive.backup import manifest

    backup = full.back_up(tmp_path / "backups")

    assert manifest.read(backup.path) == backup.manifest
    assert isinstance(backup.manifest, Manifest)
