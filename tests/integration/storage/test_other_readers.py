"""What else reads recordings of the storage: players, waveforms, backups, doctor, verify-storage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from archive.backup.make import back_up
from archive.backup.restore import restore
from archive.storage.errors import StorageError
from archive.storage.inspection import inspect
from archive.storage.recordings import Recordings
from archive.storage.storage import storage_of
from offhook.desk import playing, waveform
from offhook.desk.desk import Desk
from offhook.web.errors import status_of
from shared.home import prepare
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.storage.keyed import add_keyed
from tests.stage import Stage
from tests.waiting import until


@pytest.fixture
def desk(storage_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A desk with a storage of each kind."""
    with Desk({"home": tmp_path / "home", "storage": storage_url}) as desk:
        desk.store.records.counts()
        yield desk


def test_a_recording_of_the_storage_is_played_and_drawn(desk: Desk, short_wav: Path) -> None:
    record = add_keyed(desk.settings, desk.store, short_wav, "call")
    assert playing.playback(desk, record).ready
    sound = playing.sound(desk, record)
    copies = desk.settings.copies
    content = sound.block(0, 10_000_000)
    assert content == short_wav.read_bytes()
    for path in copies.glob("*.wav") if copies.exists() else ():  # room was needed meanwhile
        path.unlink()
    assert sound.block(10, 10) == content[10:20]
    until(lambda: waveform.drawn(desk, record, 0, None, 50).ready, "the waveform")


def test_a_player_is_told_when_a_recording_is_missing_or_the_storage_is_away(
    tmp_path: Path, small: Path
) -> None:
    (tmp_path / "shared").mkdir()
    with Desk({"home": tmp_path / "home", "storage": str(tmp_path / "shared")}) as desk:
        record = add_keyed(desk.settings, desk.store, small, "call")
        (tmp_path / "shared").rename(tmp_path / "elsewhere")
        with pytest.raises(StorageError) as away:
            playing.playback(desk, record)
        assert status_of(away.value) == 503
        stage = Stage(desk.settings.home, (("OFFHOOK_STORAGE", desk.settings.storage),))
        said = json.loads(stage.offhook("doctor", "--json").stdout)
    assert [it["state"] for it in said["checks"] if it["check"] == "storage"] == ["error"]


def test_a_home_with_a_storage_of_its_own_is_backed_up_with_it(tmp_path: Path, small: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    prepare(settings)
    with Store.of_home(settings) as store:
        record = add_keyed(settings, store, small, "call")
        made = back_up(settings, store, tmp_path / "backups", lambda *_: None)
    assert not made.manifest.missing
    assert f"storage/{record.storage_key}" in made.manifest.files
    new = Settings(home=tmp_path / "new")
    restore(made.path, new, lambda *_: None)
    with Store.of_home(new) as store:
        again = store.records.get(record.id)
        assert Recordings(new, store).path(again).read_bytes() == small.read_bytes()


def test_a_backup_says_that_recordings_of_another_storage_are_elsewhere(desk: Desk, small: Path) -> None:
    record = add_keyed(desk.settings, desk.store, small, "call")
    made = back_up(desk.settings, desk.store, desk.settings.home.parent / "backups", lambda *_: None)
    assert [it.record_id for it in made.manifest.elsewhere] == [record.id]
    assert made.manifest.missing == []


def test_the_storage_is_compared_with_the_records_by_hash(desk: Desk, small: Path, large: Path) -> None:
    kept = add_keyed(desk.settings, desk.store, small, "kept")
    damaged = add_keyed(desk.settings, desk.store, small, "damaged")
    turned = small.with_name("turned.wav")
    turned.write_bytes(small.read_bytes()[::-1])
    storage = storage_of(desk.settings)
    storage.put(damaged.storage_key or "", turned, hashlib.sha256(turned.read_bytes()).hexdigest())
    found = inspect(storage, desk.store, lambda *_: None, with_hashes=True)
    assert [record.id for record in found.damaged] == [damaged.id]
    assert (found.records, found.missing, found.unknown) == (2, [], [])
    assert kept.id != damaged.id
