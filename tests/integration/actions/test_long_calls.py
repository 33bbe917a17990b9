"""What a person does with a long call costs what one passage costs: its words are never all read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from offhook.desk import drafts, history, passage_edits, reading, replacing, speaker_edits
from offhook.desk.desk import Desk
from offhook.desk.passage_edits import Wording
from offhook.desk.speaker_shares import shares
from shared.speakers import ME, THEM
from shared.words import Word
from tests.integration.commands.spoken import spoken

SEGMENTS, WORDS = 300, 5
#: Words of the segments that a person looks at or changes, read a few times.
FEW = 150


def edit(desk: Desk) -> None:
    passage = reading.window(desk, 1, 200, 1).passages[0]
    assert passage.first_word is not None
    assert passage.last_word is not None
    words = (passage.first_word, passage.last_word)
    passage_edits.edit(desk, 1, Wording(*words, f"{passage.text} indeed", passage.version))


@pytest.fixture
def words_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many words were read from the database, counted in its one entry."""
    count, read = [0], Word.from_json

    def counting(found: object) -> Word:
        count[0] += 1
        return read(found)

    monkeypatch.setattr(Word, "from_json", counting)
    return count


def test_no_change_of_a_passage_reads_the_whole_call(desk: Desk, words_read: list[int]) -> None:
    said = [((ME, THEM)[n % 2], f"Sentence {n} of a call") for n in range(SEGMENTS)]
    spoken(desk.settings, desk.store, said=said)
    before = [text for _, text in said]
    record = desk.store.records.get(1)
    actions: dict[str, Callable[[], object]] = {
        "outline": lambda: reading.outline(desk, 1),
        "window": lambda: reading.window(desk, 1, 100, 10),
        "edit": lambda: edit(desk),
        "draft": lambda: drafts.put(desk, 1, 1000, "x", "y"),
        "orphans": lambda: drafts.orphans(desk, 1),
        "heard": lambda: passage_edits.heard(desk, 1, 1000),
        "confirm": lambda: passage_edits.confirm(desk, 1, 1000, 1004),
        "restore": lambda: passage_edits.restore(desk, 1, 1002, 1003),
        "speakers": lambda: shares(desk, record),
        "rename": lambda: speaker_edits.rename(desk, 1, THEM, "Ada"),
        "assign": lambda: speaker_edits.assign(desk, 1, 500, 501, "Bo"),
        "swap": lambda: speaker_edits.swap(desk, 1, ME, THEM),
        "preview": lambda: list(replacing.preview(desk, "Sentence 77", "Phrase 77", [1])),
        "replace": lambda: replacing.replace_now(desk, 1, "Sentence 77", "Phrase 77"),
        "undo": lambda: history.undo(desk, 1),
        "undo all": lambda: history.undo(desk, 1, desk.store.edits.of_record(1)[-1].id),
    }
    read = {}
    for name, act in actions.items():
        words_read[0] = 0
        act()
        read[name] = words_read[0]
    assert {name: count for name, count in read.items() if count > FEW} == {}
    assert [it.text for it in reading.window(desk, 1, 0, SEGMENTS).passages] == before
    assert words_read[0] > SEGMENTS * WORDS
