"""Whatever a damaged database has in a column, the rest of a transcript is read and changed."""

from __future__ import annotations

from contextlib import suppress

import pytest

from offhook.desk import drafts, history, notes, passage_edits, reading, replacing, speaker_edits
from offhook.desk.about_record import details
from offhook.desk.desk import Desk
from offhook.desk.passage_edits import Wording
from offhook.desk.speaker_shares import shares
from shared.errors import OffhookError
from shared.speakers import ME, THEM
from tests.integration.commands.spoken import CALL, spoken
from tests.tables import execute

COLUMNS = {
    "segments": ("start_seconds", "text", "words", "doubts", "first_word"),
    "speaker_labels": ("first_word", "speaker"),
    "corrections": ("first_word", "last_word", "text"),
    "drafts": ("first_word", "text", "made_at"),
    "notes": ("at_ms", "made_at"),
    "edits": ("made_at",),
}
JUNK = ("x", b"\xff\x00", 1e300, 2**62)


@pytest.mark.parametrize(
    ("table", "column"), [(table, it) for table, found in COLUMNS.items() for it in found]
)
def test_a_damaged_column_keeps_the_desk_in_use(desk: Desk, table: str, column: str) -> None:
    spoken(desk.settings, desk.store)
    with desk.store.edits.change(1, "edit"):
        desk.store.overlays.correct(1, 7, 8, "Ada Lovelace")
    speaker_edits.rename(desk, 1, THEM, "Ada")
    drafts.put(desk, 1, 0, "typed", "x")
    notes.add(desk, 1, 0, "ask")
    (present,) = execute(f"SELECT {column} FROM {table} LIMIT 1").fetchone()
    where = "1" if table == "drafts" else f"rowid = (SELECT min(rowid) FROM {table})"
    for junk in JUNK:
        execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (junk,))
        use(desk)
        execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (present,))
    assert reading.window(desk, 1, 3, 1).passages[0].text == CALL[3][1]


def use(desk: Desk) -> None:
    """Read and change all there is; an error of offhook is an answer."""
    reading.outline(desk, 1)
    found = reading.window(desk, 1, 0, 100).passages
    assert CALL[3][1] in [it.text for it in found]
    shares(desk, desk.store.records.get(1))
    details(desk, 1)
    list(replacing.preview(desk, "Miss", "Ms.", [1]))
    for passage in [it for it in found if it.first_word is not None and it.last_word is not None][:2]:
        words = (passage.first_word or 0, passage.last_word or 0)
        with suppress(OffhookError):
            passage_edits.edit(desk, 1, Wording(*words, "other words", passage.version))
            history.undo(desk, 1)
        with suppress(OffhookError):
            speaker_edits.assign(desk, 1, *words, ME)
            history.undo(desk, 1)
