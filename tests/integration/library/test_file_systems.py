"""The library on another file system than the inbox."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from archive.library import Library, write_whole
from shared.files import Fingerprint, move
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.library.archiving import assert_archived, completed, put
from tests.stage import ROOT


def test_a_recording_on_another_file_system_is_copied_as_a_whole_before_it_goes(
    library: Library, store: Store, settings: Settings, inbox_elsewhere: Path
):
    content = os.urandom(3_000_000)
    record = completed(store, put(settings.inbox, content=content))

    library.archive(record)

    assert list(inbox_elsewhere.iterdir()) == []
    assert_archived(store, settings, record.id, content)


def test_a_recording_keeps_its_time_across_file_systems(
    library: Library, store: Store, settings: Settings, inbox_elsewhere: Path
):
    """A recording whose time differs from the record's counts as changed when it is transcribed again."""
    source = put(settings.inbox)
    os.utime(source, ns=(10**18, 10**18))
    record = completed(store, source)

    library.archive(record)

    archived = store.records.get(record.id)
    assert Fingerprint.of(Path(archived.recording_path)) == Fingerprint(
        archived.size_bytes, archived.modified_ns
    )


def test_a_copy_for_which_there_is_no_room_leaves_nothing_behind(tmp_path: Path, elsewhere: Path):
    """Otherwise each try leaves another half of a recording, on a disk that is full already."""
    source = put(elsewhere, content=bytes(3_000_000))
    code = (
        "import resource, sys; from pathlib import Path; from shared.files import move\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try: move(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except OSError: sys.exit(3)\n"
    )
    target = tmp_path / "library" / "Call.wav"
    target.parent.mkdir()
    for _ in range(2):
        process = subprocess.run([sys.executable, "-c", code, str(source), str(target)], cwd=ROOT, timeout=60)
        assert process.returncode == 3

    assert source.stat().st_size == 3_000_000
    assert list(target.parent.iterdir()) == []


def test_moving_nothing_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        move(tmp_path / "gone.wav", tmp_path / "other.wav")


def test_a_file_that_cannot_be_written_as_a_whole_leaves_the_old_one(tmp_path: Path):
    path = tmp_path / "Call.txt"
    write_whole(path, "old")

    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half \udcff")

    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_has_left_goes_with_the_next_writing_and_what_a_living_one_has_stays(
    tmp_path: Path,
):
    path = tmp_path / ("n" * 250 + ".txt")
    code = (
        "import sys, time; from pathlib import Path; from shared.files import whole\n"
        "with whole(Path(sys.argv[1])) as file:\n"
        "    print(file.name, flush=True); time.sleep(60)\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as living,
    ):
        assert killed.stdout
        assert living.stdout
        killed.stdout.readline()
        written = Path(living.stdout.readline().strip())
        killed.kill()
        killed.wait()
        write_whole(path, "new")
        assert set(tmp_path.iterdir()) == {path, written}
        living.kill()
    write_whole(path, "newer")
    assert list(tmp_path.iterdir()) == [path]
