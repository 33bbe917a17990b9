"""A backup is whole while recordings come, move and go."""

from __future__ import annotations

import errno
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from archive.backup.make import LOCK
from shared.files import Fingerprint, sha256_of
from shared.store.store import copy_database
from tests.integration.backup.homes import WAITS, Home, assert_whole, bring_back, files, offhook, put
from tests.tables import Record


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
    part = home.waiting_capture(WAITS)

    def release() -> None:
        place = Path(home.store.captures.get(WAITS).recording_path)
        part.replace(place)
        content = {"sha256": sha256_of(place), **asdict(Fingerprint.of(place))}
        home.transcribed(home.store.captures.queue(WAITS, content))

    backup = home.back_up(tmp_path / "backups", once(release))

    assert (backup.path / "recording" / f"{WAITS}.part").read_bytes() == b"said by nobody else"
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
    assert restored.library.find(restored.store.records.get(record.id)).read_bytes() == b"call"
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
        home.store.records.add(source="inbox", title=f"{number} {padding}", recording_path="/a.wav")
    stop, written = threading.Event(), []

    def write() -> None:
        with closing(sqlite3.connect(home.settings.database_file, timeout=30)) as store:
            while not stop.is_set():
                with store:
                    for number in (1, 2):
                        row = (number, str(len(written)), 0)
                        store.execute("INSERT OR REPLACE INTO scrubs VALUES (?, ?, ?)", row)
                written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(written) < 3:
            time.sleep(0.01)
        before, steps = len(written), []
        copy_database(
            home.settings.database_file,
            tmp_path / "copy.db",
            lambda done, total: (steps.append(done), time.sleep(0.02)),
        )
        during = len(written) - before
    finally:
        stop.set()
        writer.join()

    assert during > 3, "nothing was written meanwhile"
    assert steps == sorted(set(steps)), "it began anew"
    with closing(sqlite3.connect(tmp_path / "copy.db")) as store:
        one, two = (value for (value,) in store.execute("SELECT token FROM scrubs ORDER BY id"))
    assert one == two


def test_a_damaged_database_is_not_backed_up_over_good_backups(home: Home, tmp_path: Path):
    for number in range(50):
        home.store.records.add(source="inbox", title=f"{number}" * 2000, recording_path="/a.wav")
    home.close()
    content = bytearray(home.settings.database_file.read_bytes())
    content[-6 * 4096 :] = bytes(6 * 4096)
    home.settings.database_file.write_bytes(content)

    done = offhook("backup", tmp_path / "backups", home=home.settings.home)

    assert done.returncode == 1
    assert "offhook doctor" in done.stderr
    assert {path.name for path in (tmp_path / "backups").iterdir()} <= {LOCK}
