"""A real worker transcribes recordings of the storage, and waits while it is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from archive.storage.copies import copy_of
from archive.storage.storage import storage_of
from shared.files import sha256_of
from shared.home import prepare
from shared.settings import Settings
from shared.store.store import Store
from tests import s3
from tests.integration.storage.conftest import a_storage
from tests.integration.storage.keyed import add_keyed
from tests.stage import Stage
from tests.voices import Call
from tests.waiting import until

WORKER = "transcribe_worker"


def stage_of(folder: Path, url: str) -> tuple[Stage, Settings]:
    """A home with a storage."""
    settings = Settings(home=folder / "home", storage=url)
    prepare(settings)
    return Stage(settings.home, (("OFFHOOK_STORAGE", url),)), settings


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_worker_transcribes_what_is_in_the_storage_and_says_what_is_damaged_or_missing(
    kind: str, tmp_path: Path, short_wav: Path, short_call: Call, request: pytest.FixtureRequest
) -> None:
    url = a_storage(kind, tmp_path, request)
    stage, settings = stage_of(tmp_path, url)
    storage = storage_of(settings)
    other = tmp_path / "other.wav"
    other.write_bytes(short_wav.read_bytes()[::-1])
    with Store.of_home(settings) as store:
        call = add_keyed(settings, store, short_wav, "call")
        damaged = add_keyed(settings, store, short_wav, "damaged")
        missing = add_keyed(settings, store, short_wav, "missing")
        storage.put(damaged.storage_key or "", other, sha256_of(other))
        storage.delete(missing.storage_key or "")
        with stage.process(WORKER):
            done = stage.finished("call")
            assert stage.finished("damaged")["error_code"] == "recording_damaged"
            assert stage.finished("missing")["error_code"] == "recording_missing"
            until(lambda: store.records.get(call.id).archived_at, "the record to be archived")
        assert done["status"] == "completed"
        assert len(_words(stage.text(done)) & _words(short_call.words)) > 5
        assert list(settings.library.rglob("*.*")) == []
        assert copy_of(settings, call).is_file() is (kind == "s3")
        assert copy_of(settings, damaged).exists() is False
        exported = stage.offhook("export", str(call.id), "--output", str(tmp_path / "out"))
        assert exported.returncode == 0, exported.stderr
        assert stage.read("show", str(call.id))["recording_path"] == call.storage_key


def test_recordings_wait_while_the_server_of_the_storage_is_away(
    tmp_path: Path, short_wav: Path, s3_server: s3.S3Server
) -> None:
    with s3.server(tmp_path / "swift") as server:
        stage, settings = stage_of(tmp_path, server.make_bucket("calls"))
        with Store.of_home(settings) as store:
            first, second = (add_keyed(settings, store, short_wav, title) for title in ("first", "second"))
            server.kill()
            with stage.process(WORKER):
                until(lambda: _is_away(store, first.id) or _is_away(store, second.id), "the error", 60)
                server.start()
                _hasten(store)
                for title in ("first", "second"):
                    assert stage.finished(title)["status"] == "completed"
            assert {store.records.get(it.id).attempts for it in (first, second)} == {1}


def test_recordings_wait_while_a_share_is_not_mounted(
    tmp_path: Path, short_wav: Path, request: pytest.FixtureRequest
) -> None:
    url = a_storage("folder", tmp_path, request)
    stage, settings = stage_of(tmp_path, url)
    with Store.of_home(settings) as store:
        record = add_keyed(settings, store, short_wav, "call")
        with _unmounted(Path(url)):
            with stage.process(WORKER):
                until(lambda: _is_away(store, record.id), "the error", 60)
        with stage.process(WORKER):
            _hasten(store)
            assert stage.finished("call")["status"] == "completed"
        assert store.records.get(record.id).attempts == 1


@contextmanager
def _unmounted(share: Path) -> Iterator[None]:
    """Put an empty folder where the share was, as an unmounted one leaves it."""
    elsewhere = share.with_name("elsewhere")
    share.rename(elsewhere)
    share.mkdir()
    yield
    share.rmdir()
    elsewhere.rename(share)


def _is_away(store: Store, record_id: int) -> bool:
    record = store.records.get(record_id)
    return record.transcription_status == "queued" and record.error_code == "storage_away"


def _hasten(store: Store) -> None:
    """End the waits of all records."""
    for record in store.records.every("queued"):
        store.records.revise(record.id, {})


def _words(text: str) -> set[str]:
    return {word.strip(".,?!").lower() for word in text.split()}
