"""No byte of a deleted call stands in any file."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from shared.home import RESTORE_LOCK, RESTORE_PART
from shared.locks import FileLock
from shared.settings import Settings
from shared.store.store import Store
from tests.conftest import skip_or_fail
from tests.integration.erasing.calls import (
    CANDIDATE,
    DAY_SECONDS,
    FORGOTTEN,
    SAID,
    TITLE,
    make_call,
    notes,
    the_call,
)
from tests.remains import remains
from tests.stage import ROOT, Stage
from tests.tables import (
    Capture,
    DecodedWindow,
    InboxFile,
    Loudness,
    Record,
    Segment,
)
from tests.voices import Call
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.model_files import bundled_folder


def counts() -> dict[str, int]:
    """How many rows there are of each kind."""
    kinds = (Record, Segment, DecodedWindow, Capture, Loudness, InboxFile)
    return {kind.model.__name__.removesuffix("Row"): kind.select().count() for kind in kinds}


@pytest.mark.parametrize(
    "command",
    [
        ["delete", "13", "--yes"],
        ["delete", "--candidate", CANDIDATE, "--yes"],
        ["prune", "--older-than", "30d", "--yes"],
    ],
    ids=["delete", "candidate", "prune"],
)
def test_no_byte_of_a_deleted_call_stands_in_any_file_though_others_have_the_database_open(
    settings: Settings, store: Store, stage: Stage, command: list[str]
) -> None:
    record = the_call(settings, store)
    Record.update(completed_at=time.time() - 31 * DAY_SECONDS).where(Record.id == record.id).execute()
    with closing(HintQueue(settings.queue)) as hints:
        hints.send(record.id)
    before = remains(settings.home, FORGOTTEN)
    assert {"offhook.db", "offhook.db-wal"} & {name for name, _ in before}
    assert {word for _, word in before} == set(FORGOTTEN)

    done = stage.offhook(*command)

    assert (done.returncode, done.stderr) == (0, "")
    assert f"Recording {record.id}: deleted\n" in done.stdout
    assert remains(settings.home, FORGOTTEN) == set()
    assert counts() == {
        "Record": 24,
        "Segment": 480,
        "DecodedWindow": 0,
        "Capture": 24,
        "Loudness": 24,
        "InboxFile": 24,
    }
    assert notes() == []
    assert len(list(settings.library.rglob("Before *.txt"))) == 12
    assert stage.read("search", "meadow7x3")["hits"]
    assert stage.offhook("doctor").stdout.count("is sound") == 1


def test_nothing_of_a_call_remains_that_a_real_worker_has_transcribed_and_logged(
    settings: Settings, short_call: Call
) -> None:
    """The workers run on, with their connections, logs at their most talkative and a queue of their own."""
    if bundled_folder() is None:
        skip_or_fail("the model tiny.en is not installed")
    stage = Stage(settings.home, (("OFFHOOK_LOG_LEVEL", "DEBUG"),))
    with stage.process("transcribe_worker.inbox"), stage.process("transcribe_worker"):
        stage.drop_call(short_call, f"{TITLE}.wav")
        record = stage.finished(TITLE)
        stage.wait_for(lambda: stage.record(TITLE)["transcript_stem"], "the library")  # type: ignore[index]
        text = " ".join(row["text"] for row in stage.read("show", str(record["id"]))["transcript"])
        words = {word.strip(".,?!").lower() for word in text.split() if len(word) > 7} | {TITLE}
        assert len(words) > 3
        assert {word for _, word in remains(settings.home, words)} == words

        done = stage.offhook("delete", str(record["id"]), "--yes")

        assert (done.returncode, done.stderr) == (0, "")
        assert remains(settings.home, words) == set()
        log = (settings.logs / "worker.log").read_text()
        assert "completed" in log
        assert re.search(
            r"recording \d+: [\d.]+ s: claimed [\d.]+, .*; of it speech [\d.]+, model [\d.]+, voices [\d.]+$",
            log,
            re.M,
        )
    assert remains(settings.home, words) == set()


def test_half_written_files_of_a_dead_worker_go_with_the_recording(
    settings: Settings, store: Store, stage: Stage
) -> None:
    record = make_call(settings, store, TITLE, *SAID)
    folder = Path(record.recording_path).parent
    (folder / f".{uuid.uuid4().hex[:16]}.{uuid.uuid4().hex}.part").write_text(" ".join(SAID))
    (folder / ".my own.part").write_text("notes")

    assert stage.offhook("delete", "1", "--yes").returncode == 0

    assert remains(settings.home, FORGOTTEN) == set()
    assert [path.name for path in folder.iterdir()] == [".my own.part"]


def test_what_a_killed_restore_has_left_goes_but_not_what_a_running_one_makes_ready(
    settings: Settings, store: Store, stage: Stage
) -> None:
    record, other = (
        the_call(settings, store),
        store.records.add(source="added", title="o", recording_path="/o"),
    )
    left = settings.home / RESTORE_PART / "library" / "call.txt"
    left.parent.mkdir(parents=True)
    left.write_text(" ".join(SAID))
    running = FileLock(settings.locks / RESTORE_LOCK)
    assert running.acquire()
    assert stage.offhook("delete", record.id, "--yes").returncode == 0
    assert left.exists()
    running.release()
    assert stage.offhook("delete", other.id, "--yes").returncode == 0
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_copy_that_a_cut_off_move_has_left_in_the_library_goes_too(
    settings: Settings, store: Store, stage: Stage
) -> None:
    record = make_call(settings, store, TITLE, *SAID)
    there = Path(record.recording_path)
    inbox = settings.inbox / there.name
    shutil.copyfile(there, inbox)
    store.records.note_move(record.id, str(inbox), {})

    assert stage.offhook("delete", "1", "--yes").returncode == 0

    assert not there.exists()
    assert not inbox.exists()


def test_a_foreign_file_that_has_taken_the_place_in_the_library_stays(
    settings: Settings, store: Store, stage: Stage
) -> None:
    record = make_call(settings, store, TITLE, *SAID)
    there = Path(record.recording_path)
    there.replace(settings.inbox / there.name)
    there.write_bytes(b"another call")
    store.records.note_move(record.id, str(settings.inbox / there.name), {})

    assert stage.offhook("delete", "1", "--yes").returncode == 0

    assert there.read_bytes() == b"another call"


def test_a_log_at_its_most_talkative_has_no_word_of_what_is_written(settings: Settings) -> None:
    code = (
        "from shared.process import running\nfrom shared.settings_sources import load\nimport os\n"
        "with running('worker', load(os.environ), None) as process:\n"
        f"    process.store.records.add(source='added', title={TITLE!r}, recording_path='/x.wav')\n"
    )
    environment = Stage(settings.home, (("OFFHOOK_LOG_LEVEL", "DEBUG"),)).environment
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert TITLE not in done.stderr
    assert "worker started" in (settings.logs / "worker.log").read_text()
    assert TITLE not in (settings.logs / "worker.log").read_text()
