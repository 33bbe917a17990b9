"""Damaged rows of speakers, names and corrections: the words and all sound rows stay readable."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from archive.exports import FORMATS
from shared.settings import Settings
from shared.speakers import ME, THEM
from shared.store.store import Store
from tests.integration.commands.calling import Cli
from tests.integration.commands.spoken import spoken

ODD = ("'x'", "x'ff'", "CAST(x'ff' AS TEXT)", "9e999", "1e300", "-1")
COLUMNS = {
    "speaker_labels": ("first_word", "last_word", "speaker", "source", "probability"),
    "speaker_names": ("speaker", "name"),
    "corrections": ("first_word", "last_word", "text", "source", "made_at"),
    "speaker_swaps": ("speaker", "other"),
    "library_files": ("suffix", "sha256", "size_bytes"),
}


@pytest.fixture(autouse=True)
def call(settings: Settings, store: Store) -> None:
    """A call with labels, a name, a correction and exchanged speakers."""
    record = spoken(settings, store)
    with store.edits.change(record.id, "edit"):
        store.overlays.swap(record.id, ME, THEM)
        store.overlays.assign(record.id, 0, 1, ME)
        store.overlays.rename(record.id, THEM, "Ada Lovelace")
        store.overlays.correct(record.id, 7, 8, "Lovelace")


@pytest.mark.parametrize(
    ("table", "column"), [(table, it) for table, found in COLUMNS.items() for it in found]
)
def test_a_damaged_overlay_keeps_the_words_readable(
    cli: Cli, tmp_path: Path, table: str, column: str
) -> None:
    for value in ODD:
        with closing(sqlite3.connect(cli.home / "offhook.db")) as database, database:
            database.execute(f"UPDATE OR REPLACE {table} SET {column} = {value}")
        assert "I wrote about the analytical engine." in cli("show", 1).out
        assert len(cli("show", 1, "--json").json["passages"]) >= 4
    for form in FORMATS:
        assert cli("export", 1, "--format", form, "-o", tmp_path / "out").code == 0
    assert cli("delete", 1, "--yes").code == 0
