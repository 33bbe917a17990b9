"""What comes to a server itself goes into its storage: from the inbox, by `add`, and as uploads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from archive.storage.errors import RecordingDamaged
from archive.storage.storage import storage_of
from archive.storage.upkeep import Upkeep
from offhook.desk.adding import add_file
from offhook.desk.desk import Desk
from offhook.desk.record_choices import RecordChoices
from offhook.desk.uploading import Uploads
from shared.files import names_in, sha256_of
from shared.store.claims import Failure
from shared.store.store import Store
from shared.store.values import Record
from tests.integration.storage.dying import dies_at_line
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A server's desk with a storage in a folder."""
    (tmp_path / "shared").mkdir()
    with Desk({"home": tmp_path / "home", "storage": str(tmp_path / "shared")}) as desk:
        desk.store.records.counts()
        yield desk


@pytest.fixture
def inbox(desk: Desk) -> Iterator[Inbox]:
    with closing(HintQueue(desk.settings.queue)) as hints:
        yield Inbox(desk.settings, desk.store, hints)


def only_record(desk: Desk) -> Record:
    (record,) = desk.store.records.every()
    return record


def assert_stored(desk: Desk, record: Record, content: bytes) -> None:
    """The record has a key, and the storage has its recording and no other."""
    storage = storage_of(desk.settings)
    assert record.storage_key
    assert (record.recording_path, record.modified_ns) == (record.storage_key, None)
    assert list(storage.list()) == [record.storage_key]
    with storage.open(record.storage_key) as file:
        assert file.read() == content
    assert desk.store.objects.ordered() == []
    assert sha256_of(desk.recordings.path(record)) == record.sha256


def drop(desk: Desk, path: Path, name: str = "call.wav") -> Path:
    dropped = desk.settings.inbox / name
    dropped.write_bytes(path.read_bytes())
    return dropped


def test_an_added_recording_is_put_and_the_original_stays(desk: Desk, short_wav: Path) -> None:
    added = add_file(desk, short_wav, {})
    assert_stored(desk, added.record, short_wav.read_bytes())
    again = add_file(desk, short_wav, {})
    assert again.was_known
    assert_stored(desk, again.record, short_wav.read_bytes())


def test_adding_a_recording_that_the_storage_has_lost_puts_it_again(desk: Desk, short_wav: Path) -> None:
    lost = add_file(desk, short_wav, {}).record
    storage_of(desk.settings).delete(lost.storage_key or "")
    again = add_file(desk, short_wav, {})
    assert Upkeep(desk.settings, desk.store).remove_objects()
    assert again.record.id == lost.id
    assert again.record.storage_key != lost.storage_key
    assert_stored(desk, again.record, short_wav.read_bytes())


@pytest.mark.parametrize("way", ["add", "drop"])
def test_a_damaged_recording_is_put_again_and_the_damaged_one_goes(
    desk: Desk, inbox: Inbox, short_wav: Path, way: str
) -> None:
    damaged = add_file(desk, short_wav, {}).record
    claim = desk.store.claims.claim(damaged.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    desk.store.claims.fail(claim, Failure.of(RecordingDamaged()))
    if way == "add":
        add_file(desk, short_wav, {})
    else:
        drop(desk, short_wav)
        inbox.sweep()
    assert Upkeep(desk.settings, desk.store).remove_objects()
    record = only_record(desk)
    assert (record.id, record.transcription_status) == (damaged.id, "queued")
    assert record.storage_key != damaged.storage_key
    assert_stored(desk, record, short_wav.read_bytes())


def test_a_dropped_recording_is_put_and_leaves_the_inbox(desk: Desk, inbox: Inbox, short_wav: Path) -> None:
    dropped = drop(desk, short_wav)
    inbox.sweep()
    assert_stored(desk, only_record(desk), short_wav.read_bytes())
    assert not dropped.exists()
    inbox.sweep()
    assert desk.store.inbox_files.known() == {}


def test_a_dropped_recording_waits_in_the_inbox_while_the_storage_is_away(
    desk: Desk, inbox: Inbox, short_wav: Path
) -> None:
    dropped, folder = drop(desk, short_wav), Path(desk.settings.storage)
    folder.rmdir()
    assert inbox.sweep() > 0
    assert list(desk.store.records.every()) == []
    assert dropped.exists()
    folder.mkdir()
    inbox.sweep()
    assert_stored(desk, only_record(desk), short_wav.read_bytes())


def test_an_upload_is_put_and_leaves_no_file(desk: Desk, short_wav: Path) -> None:
    uploads = Uploads(desk, spare_bytes=0)
    part = uploads.open("call.wav")
    part.append(short_wav.read_bytes())
    upload = uploads.received(part, "call.wav", RecordChoices())
    added = uploads.finish(upload.id)
    assert not added.was_known
    assert added.record.session_id == upload.id
    assert_stored(desk, added.record, short_wav.read_bytes())
    assert uploads.finish(upload.id).record == added.record
    assert names_in(desk.settings.uploads) == names_in(desk.settings.inbox) == []


@pytest.mark.skipif(os.name != "posix", reason="processes are forked")
@pytest.mark.parametrize("module", ["archive/storage/taking.py", "transcribe_worker/inbox/sweep.py"])
def test_a_death_while_a_dropped_recording_is_taken_loses_nothing_and_leaves_nothing(
    desk: Desk, short_wav: Path, module: str
) -> None:
    settings = desk.settings
    desk.store.disconnect()

    def sweep() -> None:
        with Store.of_home(settings) as store, closing(HintQueue(settings.queue)) as hints:
            Inbox(settings, store, hints).sweep()

    for line in itertools.count(step=4):
        dropped = drop(desk, short_wav)
        has_died = dies_at_line(line, module, sweep)
        sweep()
        record = only_record(desk)
        assert not dropped.exists()
        desk.store.objects.order(record.storage_key or "")  # not while it has a record
        for key in set(storage_of(settings).list()) - {record.storage_key}:
            desk.store.objects.order(key)  # a day later
        assert Upkeep(settings, desk.store).remove_objects()
        assert_stored(desk, record, short_wav.read_bytes())
        storage_of(settings).delete(record.storage_key or "")
        desk.store.records.delete(record.id)
        desk.store.disconnect()
        if not has_died:
            break
    assert line > 4
