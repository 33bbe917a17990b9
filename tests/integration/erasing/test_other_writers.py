"""A deletion while a worker, a sweeper or the library writes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from archive.erasing import Eraser
from archive.library import Library, LibraryBusy
from archive.removing import ErasureWaits
from shared.errors import ClaimLost, RecordNotFound
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.erasing.calls import FORGOTTEN, SAID, TITLE, make_call, segment
from tests.remains import remains
from tests.stage import Stage
from tests.tables import (
    said,
    windows,
)


def test_a_recording_that_is_deleted_under_its_worker_is_lost_to_it(
    settings: Settings, store: Store, stage: Stage
) -> None:
    path = settings.inbox / f"{TITLE}.wav"
    path.write_bytes(b"RIFF")
    record = store.records.add(source="inbox", title=TITLE, recording_path=str(path))
    claim = store.claims.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    window = {
        "start_seconds": 0.0,
        "end_seconds": 8.0,
        "stretch_seconds": 0.0,
        "segments": [segment(0, SAID[0])],
    }
    store.claims.save_windows(claim, windows([window]))

    assert stage.offhook("delete", "1", "--yes").returncode == 0

    with pytest.raises(ClaimLost):
        store.claims.save_windows(claim, windows([window]))
    with pytest.raises(ClaimLost):
        store.claims.complete(claim, said([segment(0, SAID[0])]))
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_worker_that_is_about_to_file_a_deleted_recording_writes_nothing(
    settings: Settings, store: Store, library: Library, stage: Stage
) -> None:
    record = make_call(settings, store, TITLE, *SAID)
    assert stage.offhook("delete", "1", "--yes").returncode == 0
    with pytest.raises(RecordNotFound):
        library.archive(record)
    assert remains(settings.home, FORGOTTEN) == set()


def test_archiving_waits_for_a_deletion_and_a_deletion_for_archiving(
    settings: Settings, store: Store, library: Library
) -> None:
    record = make_call(settings, store, TITLE, *SAID)
    archived = threading.Event()
    archiving = threading.Thread(target=lambda: (library.archive(record), archived.set()))
    with library.alone():
        archiving.start()
        assert not archived.wait(0.3)
        with pytest.raises(LibraryBusy), library.alone(patience_seconds=0.1):
            pass
    assert archived.wait(10)
    archiving.join()


def test_a_sweeper_leaves_an_erasure_to_who_is_at_it(
    settings: Settings, store: Store, library: Library, eraser: Eraser
) -> None:
    make_call(settings, store, TITLE, *SAID)
    with library.alone():
        eraser.mark([1])
        eraser.resume()
        assert store.records.get(1)
    eraser.resume()
    with pytest.raises(RecordNotFound):
        store.records.get(1)


def test_a_recording_that_was_queued_again_after_the_mark_goes_all_the_same(
    settings: Settings, store: Store, library: Library, eraser: Eraser
) -> None:
    make_call(settings, store, TITLE, *SAID)
    eraser.mark([1])
    store.records.requeue(1)
    claim = store.claims.claim(1, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    eraser.resume()
    with pytest.raises(ClaimLost):
        store.claims.complete(claim, [])
    assert remains(settings.home, FORGOTTEN) == set()


def test_a_file_that_cannot_be_deleted_is_named_and_goes_as_soon_as_it_can(
    settings: Settings, store: Store, library: Library, eraser: Eraser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows while a program has it open."""
    record = make_call(settings, store, TITLE, *SAID)
    held, plain = Path(record.recording_path), Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if path == held:
            raise PermissionError(13, "in use", str(path))
        plain(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", unlink)
        eraser.mark([1])
        with pytest.raises(ErasureWaits, match=f"{held.name} cannot be deleted: in use"), library.alone():
            eraser.erase(1, patience_seconds=0.2)
        assert list(held.parent.iterdir()) == [held], "what can go has gone"
        eraser.resume()
        assert store.records.get(1).transcription_status == "completed"
    eraser.resume()
    assert remains(settings.home, FORGOTTEN) == set()
