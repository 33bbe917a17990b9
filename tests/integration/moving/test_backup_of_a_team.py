"""A team's server is backed up by PostgreSQL's own programs and a copy of its storage, and comes back."""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.store.store import Store
from tests.integration.moving.conftest import TITLES
from tests.postgres import USER, PostgresServer, binaries
from tests.stage import Stage


def run(name: str, *arguments: str | Path) -> None:
    folder = binaries()
    assert folder
    command = [str(folder / name), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def using(stage: Stage, url: str, share: Path) -> Stage:
    """A machine of the team."""
    return Stage(
        stage.home.with_name("machine"), (("OFFHOOK_DATABASE", url), ("OFFHOOK_STORAGE", str(share)))
    )


@pytest.fixture
def team(old: Stage, url: str, share: Path) -> Stage:
    """A team's server with calls."""
    done = old.offhook("migrate-to", url, "--storage", share)
    assert done.returncode == 0, done.stderr
    return using(old, url, share)


@pytest.fixture
def restored(
    team: Stage, url: str, share: Path, postgres_server: PostgresServer, tmp_path: Path
) -> Iterator[Stage]:
    """The server after a backup: its database first, then its storage; and a restore into a new one."""
    dump, copy = tmp_path / "offhook.dump", tmp_path / "share-copy"
    run("pg_dump", "--format=custom", "--file", dump, url)
    shutil.copytree(share, copy)
    with owned_database(postgres_server) as new:
        run("pg_restore", "--exit-on-error", "--no-owner", "--no-comments", "--dbname", new, dump)
        yield using(team, new, copy)


@contextmanager
def owned_database(server: PostgresServer) -> Iterator[str]:
    """A new database of a user who has no other right; an administrator has added the extension."""
    owner = f"owner_{uuid.uuid4().hex}"
    server.execute(f"CREATE ROLE {owner} LOGIN")
    try:
        with server.database("template1") as url:
            name = url.split("@/")[1].partition("?")[0]
            server.execute(f"ALTER DATABASE {name} OWNER TO {owner}")
            server.execute("CREATE EXTENSION pg_trgm", name)
            yield url.replace(f"{USER}@", f"{owner}@")
    finally:
        server.execute(f"DROP ROLE {owner}")


def verified(stage: Stage) -> dict[str, object]:
    done = stage.offhook("verify-storage", "--hashes", "--json")
    found: dict[str, object] = json.loads(done.stdout)
    assert done.returncode == (1 if found["missing"] or found["damaged"] else 0), done.stderr
    return found


def test_a_restored_server_has_every_call_word_and_recording(restored: Stage, url: str):
    new = dict(restored.settings)["OFFHOOK_DATABASE"]
    with Store.open(url) as before, Store.open(new) as after:
        records = list(before.records.every())
        assert records == list(after.records.every())
        for record in records:
            assert before.transcripts.segments(record.id) == after.transcripts.segments(record.id)
        assert len(after.search.find("analytical", 10)) == len(TITLES)
        assert after.check() is None
    found = verified(restored)
    assert (found["records"], found["missing"], found["damaged"], found["unknown"]) == (4, [], [], [])


def test_a_restored_server_goes_on_where_it_was(restored: Stage):
    new = dict(restored.settings)["OFFHOOK_DATABASE"]
    with Store.open(new) as store:
        last, change = max(it.id for it in store.records.every()), store.changes.latest()
        added = store.records.add(source="added", title="new", recording_path="/new.wav")
        assert added.id > last
        assert store.changes.latest() > change


def test_what_a_storage_lost_or_damaged_is_named(team: Stage, url: str, share: Path):
    with Store.open(url) as store:
        gone, damaged, *_ = [it for it in store.records.every() if it.storage_key]
    (share / str(gone.storage_key)).unlink()
    path = share / str(damaged.storage_key)
    path.write_bytes(b"x" * path.stat().st_size)
    (share / "calls" / "stranger.wav").write_bytes(b"stranger")

    found = verified(team)
    assert found["missing"] == [{"record_id": gone.id, "storage_key": gone.storage_key}]
    assert found["damaged"] == [{"record_id": damaged.id, "storage_key": damaged.storage_key}]
    assert found["unknown"] == ["calls/stranger.wav"]


def test_what_may_get_its_record_yet_is_not_called_unknown(team: Stage, url: str, share: Path):
    with Store.open(url) as store:
        store.objects.expect("calls/coming.wav")
    (share / "calls" / "coming.wav").write_bytes(b"coming")

    assert verified(team)["unknown"] == []


def test_a_backup_of_files_is_refused_where_a_server_has_the_records(team: Stage, tmp_path: Path):
    done = team.offhook("backup", tmp_path / "stick")

    assert done.returncode == 1
    assert "pg_dump" in done.stderr
    assert not (tmp_path / "stick").exists()


def test_a_backup_of_files_is_not_restored_where_a_server_has_the_records(
    old: Stage, team: Stage, tmp_path: Path
):
    made = old.offhook("backup", tmp_path / "stick").stdout.strip()
    done = team.offhook("restore", made)

    assert done.returncode == 1
    assert "pg_restore" in done.stderr
