"""UnfinishedRecordings finished recordings: real files, real deaths in between, and names of every kind."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from peewee import SqliteDatabase

from archive.exports import FORMATS
from archive.library import Library, safe_name, write_whole
from shared.files import Fingerprint, move, sha256_of
from shared.settings import Settings
from shared.store.models import Record
from shared.store.records import Records
from transcribe_worker.jobs.archiver import Filer

ROOT = Path(__file__).parents[2]
WORDS = "Good morning."

# Files a recording and dies just before the step whose number is given: a change to the file system, or
# (behind the last of them, or when the number is -1) the note in the database.
FILER = """
import os, sys
from pathlib import Path
from shared.store.sqlite import open_database
from shared.store.records import Records
from shared.settings import Settings
from archive.library import Library

CHANGES = {"os.mkdir", "os.rename", "os.remove"}
left = int(sys.argv[3])

def die_in_time():
    global left
    if left == 0:
        os._exit(9)
    left -= 1

def notice(event, arguments):
    writes = event == "open" and arguments[0] and str(arguments[0]).endswith(".part")
    if writes or event in CHANGES:
        die_in_time()

class MortalRecords(Records):
    def mark_filed(self, *arguments, **columns):
        if left < 0:
            os._exit(9)
        die_in_time()
        super().mark_filed(*arguments, **columns)

settings = Settings(home=Path(sys.argv[1]))
records = MortalRecords(open_database(settings.database))
record = records.get(int(sys.argv[2]))
sys.addaudithook(notice)
Library(settings, records).file(record)
"""


@pytest.fixture
def library(settings: Settings, records: Records) -> Library:
    return Library(settings, records)


def put(folder: Path, name: str = "Call.wav", content: bytes = b"the recording") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def completed(records: Records, path: Path, title: str | None = None) -> Record:
    """The record of a recording that has been transcribed and not been filed."""
    record = records.add(
        source="inbox",
        title=path.stem if title is None else title,
        recording_path=str(path),
        sha256=sha256_of(path),
        **asdict(Fingerprint.of(path)),
    )
    return completed_again(records, record)


def completed_again(records: Records, record: Record) -> Record:
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    return records.complete(claim, [{"start_seconds": 0.0, "end_seconds": 1.0, "text": WORDS}])


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under a folder with its content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def assert_filed(records: Records, settings: Settings, record_id: int, content: bytes) -> None:
    record = records.get(record_id)
    stem = settings.library / record.library_stem
    assert record.filed_at is not None
    assert Path(record.recording_path).parent == stem.parent
    assert Path(record.recording_path).read_bytes() == content
    for suffix in FORMATS:
        assert WORDS in stem.with_name(f"{stem.name}.{suffix}").read_text("utf-8")


def die_at(settings: Settings, record: Record, step: int) -> bool:
    """File in a process that dies before a step; False if there were not so many."""
    command = [sys.executable, "-c", FILER, str(settings.home), str(record.id), str(step)]
    process = subprocess.run(command, cwd=ROOT, timeout=60)
    assert process.returncode in (0, 9)
    return process.returncode == 9


def die_behind_the_move(settings: Settings, record: Record) -> None:
    """File in a process that dies when it has moved the recording and not noted it."""
    assert die_at(settings, record, step=-1)
    assert not Path(record.recording_path).exists()


# The way of a recording


def test_a_finished_recording_moves_to_the_library_beside_its_transcripts(
    library: Library, records: Records, settings: Settings
):
    source = put(settings.inbox)
    record = completed(records, source)

    stem = library.file(record)

    assert stem.parent.parent.parent == settings.library
    assert re.fullmatch(r"\d{4}/\d{2}/Call", str(stem.relative_to(settings.library)))
    assert {path.name for path in stem.parent.iterdir()} == {
        "Call.wav",
        *(f"Call.{suffix}" for suffix in FORMATS),
    }
    assert not source.exists()
    assert_filed(records, settings, record.id, b"the recording")
    assert json.loads(stem.with_suffix(".json").read_text("utf-8"))["record_id"] == record.id


def test_filing_again_changes_nothing(library: Library, records: Records, settings: Settings):
    record = completed(records, put(settings.inbox))
    library.file(record)
    before = tree(settings.library)

    library.file(records.get(record.id))
    library.file(record)  # as a sweeper does that read the record before it was filed

    assert tree(settings.library) == before
    assert_filed(records, settings, record.id, b"the recording")


def test_files_are_their_owners_alone(library: Library, records: Records, settings: Settings):
    if os.name == "nt":
        pytest.skip("Windows has no file modes")
    library.file(completed(records, put(settings.inbox)))

    made = [path for path in settings.library.rglob("*") if path.suffix != ".wav"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)


def test_a_transcript_made_again_replaces_the_old_one_in_its_place(
    library: Library, records: Records, settings: Settings
):
    record = completed(records, put(settings.inbox))
    stem = library.file(record)
    stem.with_suffix(".txt").write_text("old")
    records.requeue(record.id)
    again = completed_again(records, record)

    assert library.file(again) == stem
    assert stem.with_suffix(".txt").read_text("utf-8") == f"{WORDS}\n"
    assert_filed(records, settings, record.id, b"the recording")


# Deaths


def test_a_death_before_any_step_is_healed_by_filing_again(
    library: Library, records: Records, settings: Settings
):
    deaths = 0
    while True:
        content = f"recording {deaths}".encode()
        record = completed(records, put(settings.inbox, f"Call {deaths}.wav", content))
        if not die_at(settings, record, step=deaths):
            break
        assert records.get(record.id).filed_at is None
        library.file(records.get(record.id))
        assert_filed(records, settings, record.id, content)
        deaths += 1

    assert deaths >= 10
    assert tree(settings.inbox) == {}
    assert len(tree(settings.library)) == (deaths + 1) * (1 + len(FORMATS))


def test_a_death_before_any_step_of_a_move_across_file_systems_is_healed_too(
    library: Library, records: Records, settings: Settings, inbox_elsewhere: Path
):
    deaths = 0
    while True:
        content = f"recording {deaths}".encode()
        record = completed(records, put(settings.inbox, f"Call {deaths}.wav", content))
        if not die_at(settings, record, step=9 + deaths):  # behind the transcripts
            break
        library.file(records.get(record.id))
        assert_filed(records, settings, record.id, content)
        deaths += 1

    assert deaths >= 4
    assert tree(settings.inbox) == {}
    assert len(tree(settings.library)) == (deaths + 1) * (1 + len(FORMATS))


def test_two_that_file_the_same_recording_at_once_do_no_harm(
    library: Library, records: Records, settings: Settings, database: SqliteDatabase
):
    for number in range(10):
        record = completed(records, put(settings.inbox, f"{number}.wav", b"%d" % number))
        start = threading.Barrier(2)

        def file(record: Record = record, start: threading.Barrier = start) -> None:
            start.wait()
            try:
                library.file(record)
            except FileNotFoundError:  # the other one has moved it; its owner logs this and goes on
                pass
            finally:
                database.close()

        threads = [threading.Thread(target=file) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert_filed(records, settings, record.id, b"%d" % number)


# Beside the work


def test_a_recording_is_filed_beside_the_work_and_before_the_one_after_the_next(
    library: Library, records: Records, settings: Settings, database: SqliteDatabase
):
    first, second = (
        completed(records, put(settings.inbox, name, name.encode())) for name in ("1.wav", "2.wav")
    )
    with closing(Filer(library, database.close)) as filer:
        with library.alone():
            filer.file(first)
            assert records.get(first.id).filed_at is None
        filer.file(second)
        assert_filed(records, settings, first.id, b"1.wav")
    assert_filed(records, settings, second.id, b"2.wav")


def test_what_cannot_be_filed_is_left_and_the_next_is_filed(
    library: Library, records: Records, settings: Settings, database: SqliteDatabase
):
    lost, kept = (completed(records, put(settings.inbox, name, name.encode())) for name in ("1.wav", "2.wav"))
    records.delete(lost.id)
    with closing(Filer(library, database.close)) as filer:
        filer.file(lost)
        filer.file(kept)
    assert_filed(records, settings, kept.id, b"2.wav")


def test_what_a_filing_that_died_has_left_goes_when_it_is_done_again(
    library: Library, records: Records, settings: Settings
):
    record = completed(records, put(settings.inbox))
    deaths = 0
    while not list(settings.library.rglob("*.part")):
        assert die_at(settings, record, step=deaths)
        deaths += 1
    library.file(record)  # it is what the record was before anybody had begun

    assert not list(settings.library.rglob("*.part"))


def test_a_new_recording_that_took_the_name_of_one_that_has_moved_is_left_alone(
    library: Library, records: Records, settings: Settings
):
    """The old one's worker died between the move and the note; then the name was used again."""
    record = completed(records, put(settings.inbox, content=b"the old call"))
    die_behind_the_move(settings, record)
    assert not Path(record.recording_path).exists()
    assert records.get(record.id).filed_at is None
    new = put(settings.inbox, content=b"the new call")

    library.file(records.get(record.id))

    assert new.read_bytes() == b"the new call"
    assert_filed(records, settings, record.id, b"the old call")


def test_a_recording_that_was_replaced_before_it_moved_is_not_filed_as_the_old_one(
    library: Library, records: Records, settings: Settings
):
    record = completed(records, put(settings.inbox, content=b"the old call"))
    new = put(settings.inbox, content=b"the new call, which is longer")

    library.file(record)

    assert new.exists()
    assert b"the new call, which is longer" not in tree(settings.library).values()


def test_a_recording_that_was_deleted_is_filed_as_far_as_it_is_there(
    library: Library, records: Records, settings: Settings
):
    """Otherwise the sweeper tries again every two seconds, for ever."""
    record = completed(records, put(settings.inbox))
    Path(record.recording_path).unlink()

    library.file(record)

    assert records.get(record.id).filed_at is not None
    assert len(tree(settings.library)) == len(FORMATS)


def test_a_recording_that_is_queued_again_while_it_moves_is_found_where_it_went(
    settings: Settings, database: SqliteDatabase
):
    class Interrupted(Records):
        def mark_filed(self, record: Record, recording_path: str) -> None:
            self.requeue(record.id)
            super().mark_filed(record, recording_path)

    records = Interrupted(database)
    record = completed(records, put(settings.inbox))

    Library(settings, records).file(record)

    again = records.get(record.id)
    assert (again.transcription_status, again.filed_at) == ("queued", None)
    assert Path(again.recording_path).is_file()


# Places


def test_two_recordings_with_the_same_title_have_places_of_their_own(
    library: Library, records: Records, settings: Settings
):
    filed = []
    for number in range(12):
        record = completed(records, put(settings.inbox, f"{number}.wav", b"%d" % number), title="Call")
        filed.append((record.id, library.file(record).name))

    assert [name for _, name in filed[:3]] == ["Call", "Call (2)", "Call (3)"]
    assert len({name for _, name in filed}) == 12
    for number, (record_id, _) in enumerate(filed):
        assert_filed(records, settings, record_id, b"%d" % number)


def test_titles_that_differ_in_case_alone_have_places_that_windows_and_macos_tell_apart(
    library: Library, records: Records, settings: Settings
):
    stems = [
        library.file(completed(records, put(settings.inbox, f"{number}.wav"), title=title))
        for number, title in enumerate(("Call", "call", "CALL"))
    ]

    assert len({str(stem).casefold() for stem in stems}) == 3


def test_titles_in_composed_and_decomposed_letters_have_places_that_macos_tells_apart(
    library: Library, records: Records, settings: Settings
):
    stems = [
        library.file(
            completed(records, put(settings.inbox, f"{form}.wav"), unicodedata.normalize(form, "Zoë"))
        )
        for form in ("NFC", "NFD")
    ]

    assert len({unicodedata.normalize("NFC", str(stem)) for stem in stems}) == 2


@pytest.mark.parametrize("suffix", ["txt", "wav", "docx"])
def test_a_strangers_file_of_the_same_name_stays_as_it_is(
    library: Library, records: Records, settings: Settings, suffix: str
):
    first = completed(records, put(settings.inbox, "first.wav"))
    month = library.file(first).parent
    stranger = month / f"Call [1].{suffix}"
    stranger.write_text("mine")

    stem = library.file(completed(records, put(settings.inbox, "second.wav"), title="Call [1]"))

    assert stem.name == "Call [1] (2)"
    assert stranger.read_text() == "mine"


def test_a_title_with_signs_that_glob_knows_meets_no_other(
    library: Library, records: Records, settings: Settings
):
    titles = ["[ab]", "a", "[!a]", "b"]
    stems = [
        library.file(completed(records, put(settings.inbox, f"{n}.wav"), title=title)).name
        for n, title in enumerate(titles)
    ]

    assert stems == titles


@pytest.mark.parametrize("outside", ["elsewhere", "home/recording", "home/inbox/folder"])
def test_a_recording_that_is_not_in_the_inbox_stays_where_it_is(
    library: Library, records: Records, settings: Settings, tmp_path: Path, outside: str
):
    folder = tmp_path / outside
    folder.mkdir(parents=True, exist_ok=True)
    source = put(folder)
    record = completed(records, source)

    stem = library.file(record)

    assert source.read_bytes() == b"the recording"
    assert records.get(record.id).recording_path == str(source)
    assert {path.name for path in stem.parent.iterdir()} == {f"Call.{suffix}" for suffix in FORMATS}


def test_with_keep_in_place_a_recording_stays_in_the_inbox(records: Records, settings: Settings):
    source = put(settings.inbox)
    record = completed(records, source)

    Library(replace(settings, keep_in_place=True), records).file(record)

    filed = records.get(record.id)
    assert source.read_bytes() == b"the recording"
    assert (filed.recording_path, filed.filed_at is not None) == (str(source), True)


def test_the_files_of_a_record_are_its_transcripts_and_the_recording_that_is_ours(
    library: Library, records: Records, settings: Settings, tmp_path: Path
):
    ours = completed(records, put(settings.inbox, "ours.wav"))
    theirs = completed(records, put(tmp_path, "theirs.wav"))
    assert library.files_of(ours) == [settings.inbox / "ours.wav"]
    assert library.files_of(theirs) == []
    for record in ours, theirs:
        library.file(record)

    assert {path.name for path in library.files_of(records.get(ours.id))} == {
        *(f"ours.{suffix}" for suffix in FORMATS),
        "ours.wav",
    }
    assert {path.name for path in library.files_of(records.get(theirs.id))} == {
        f"theirs.{suffix}" for suffix in FORMATS
    }


# Across file systems


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than tmp_path."""
    shared_memory = Path("/dev/shm")
    if not shared_memory.is_dir() or shared_memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system (/dev/shm) here")
    with tempfile.TemporaryDirectory(dir=shared_memory) as folder:
        yield Path(folder)


@pytest.fixture
def inbox_elsewhere(settings: Settings, elsewhere: Path) -> Path:
    """The inbox as a link to a folder on another file system."""
    settings.inbox.rmdir()
    settings.inbox.symlink_to(elsewhere, target_is_directory=True)
    return elsewhere


def test_a_recording_on_another_file_system_is_copied_as_a_whole_before_it_goes(
    library: Library, records: Records, settings: Settings, inbox_elsewhere: Path
):
    content = os.urandom(3_000_000)
    record = completed(records, put(settings.inbox, content=content))

    library.file(record)

    assert list(inbox_elsewhere.iterdir()) == []
    assert_filed(records, settings, record.id, content)


def test_a_recording_keeps_its_time_across_file_systems(
    library: Library, records: Records, settings: Settings, inbox_elsewhere: Path
):
    """A recording whose time differs from the record's counts as changed when it is transcribed again."""
    source = put(settings.inbox)
    os.utime(source, ns=(10**18, 10**18))
    record = completed(records, source)

    library.file(record)

    filed = records.get(record.id)
    assert Fingerprint.of(Path(filed.recording_path)) == Fingerprint(filed.size_bytes, filed.modified_ns)


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


# Names

NAMES = [
    "Zoë & Łukasz 李 😀",
    "two\nlines",
    "-rf",
    "--help",
    "é" * 125 + "a",
    "😀" * 62,
    "CON",
    "con.call",
    "nul.txt",
    "COM1",
    "lpt9.x.y",
    "CONIN$",
    "con .call",
    "trailing dots...",
    " spaces ",
    "...",
    ".hidden",
    "",
    "a/b",
    "a\\b",
    "../../../etc/passwd",
    'what? "who": <me>|*',
    "tab\tand\x00null",
    "x" * 300,
    "x" * 179 + ". . .",
]


def is_fine_everywhere(name: str) -> bool:
    """By Microsoft's rules for naming files, and the 255 bytes of everybody else."""
    device = re.split(r"[.:]", name.upper())[0].rstrip(" ")
    return (
        name not in ("", ".", "..")
        and not re.search(r'[<>:"/\\|?*\x00-\x1f\x7f]', name)
        and name[-1] not in " ."
        and not re.fullmatch(r"CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]", device)
        and len(name.encode()) <= 255
    )


@pytest.mark.parametrize("title", NAMES)
def test_a_title_of_any_kind_becomes_a_name_that_every_system_takes(title: str):
    assert is_fine_everywhere(safe_name(title))
    assert is_fine_everywhere(f"{safe_name(title)} (123456).json")


def test_recordings_with_titles_of_any_kind_are_filed_and_keep_their_titles(
    library: Library, records: Records, settings: Settings
):
    for number, title in enumerate(NAMES):
        record = completed(records, put(settings.inbox, f"{number}.wav", b"%d" % number), title=title)

        stem = library.file(record)

        assert len(stem.relative_to(settings.library).parts) == 3
        assert_filed(records, settings, record.id, b"%d" % number)
        assert records.get(record.id).title == title


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_recordings_whose_own_names_are_odd_are_filed(library: Library, records: Records, settings: Settings):
    for name in "-rf.wav", "two\nlines.wav", "CON.wav", "é" * 125 + "a.wav", "a.b..wav", "Call.WAV":
        record = completed(records, put(settings.inbox, name))

        library.file(record)

        assert_filed(records, settings, record.id, b"the recording")


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_names_are_safe_whatever_the_title(title: str):
    name = safe_name(title)

    assert is_fine_everywhere(f"{name} (123456).json")
    assert is_fine_everywhere(name)
    assert safe_name(name) == name


def test_a_plain_title_is_the_name():
    assert safe_name("2026-11-03 Call with Zoë (final)") == "2026-11-03 Call with Zoë (final)"
