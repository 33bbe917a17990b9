"""`offhook export`."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.calling import Cli, Done, completed, one_in_each_state


def test_export_writes_into_a_folder_that_it_makes(cli: Cli, store: Store, tmp_path: Path) -> None:
    one, two = completed(store, "call", "One."), completed(store, "call", "Two.")
    folder = tmp_path / "new" / "folder"
    done = cli("export", one, two, "-o", folder)
    assert (done.code, done.err) == (0, "")
    assert [Path(line).read_text() for line in done.out.splitlines()] == ["One.\n", "Two.\n"]
    assert sorted(p.name for p in folder.iterdir()) == ["call-1.txt", "call-2.txt"]


def test_export_all_writes_what_is_finished_and_nothing_else(cli: Cli, store: Store, tmp_path: Path) -> None:
    one_in_each_state(store)
    completed(store, "another", "Two.")
    done = cli("export", "--all", "--format", "json", "--output", tmp_path / "out")
    assert done.code == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["another-6.json", "completed-1.json"]


def test_export_replaces_what_it_wrote_before(cli: Cli, store: Store, tmp_path: Path) -> None:
    (tmp_path / "call-1.txt").write_text("old")
    completed(store, "call", "New.")
    assert cli("export", 1, "-o", tmp_path).code == 0
    assert (tmp_path / "call-1.txt").read_text() == "New.\n"


def test_export_writes_nowhere_but_into_its_folder(cli: Cli, store: Store, tmp_path: Path) -> None:
    for title in ("../../up", "/etc/passwd", "CON", "a\nb", "..", ""):
        completed(store, title, "Hello.")
    done = cli("export", "--all", "-o", tmp_path / "out")
    assert done.code == 0
    assert len(list((tmp_path / "out").iterdir())) == 6


def test_export_writes_nothing_into_the_home_that_a_deletion_would_not_know_of(
    cli: Cli, store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    completed(store, "call", "Hello.")
    before = set(settings.home.rglob("*"))
    for folder in (settings.home / "exports", settings.library, tmp_path / ".." / settings.home):
        assert "Choose a folder outside" in cli("export", 1, "-o", folder).err
    monkeypatch.chdir(settings.home)
    assert cli("export", "--all").code == 2
    assert {path for path in settings.home.rglob("*") if not path.name.startswith("offhook.db")} <= before


def test_export_of_an_unfinished_recording_says_so(cli: Cli, store: Store, tmp_path: Path) -> None:
    record_id = one_in_each_state(store)["failed"]
    done = cli("export", record_id, "-o", tmp_path)
    assert done == Done(1, "", f"offhook: Recording {record_id} is failed. failed.wav is empty (0 bytes).\n")


def test_export_into_a_file_or_a_place_that_takes_nothing_says_so(cli: Cli, store: Store, wav: Path) -> None:
    completed(store, "call", "Hello.")
    assert cli("export", 1, "-o", wav).code == 2
    done = cli("export", 1, "-o", wav / "below")
    assert (done.code, done.out) == (1, "")
    assert str(wav) in done.err
