"""No byte of what a person put right stands in any file, after its recording was deleted."""

from __future__ import annotations

from shared.settings import Settings
from shared.speakers import THEM
from shared.store.store import Store
from tests.integration.commands.spoken import CALL, say_again, spoken
from tests.remains import remains
from tests.stage import Stage

#: A correction, one that found no place, what was heard there, one that was undone, names, an edit's text.
SAID = ("quixotic", "bandoneon", "zymurgy", "vexillology", "jackdaw", "hollingsworthy", "lindqvist")


def test_corrections_names_changes_and_texts_of_edits_go_with_their_recording(
    settings: Settings, store: Store
) -> None:
    for number in range(6):
        spoken(settings, store, f"other {number}")
    record = spoken(settings, store, "call", [*CALL, (THEM, "They spoke of zymurgy")])
    overlays, last = store.overlays, 23
    with store.edits.change(record.id, "edit"):
        overlays.correct(record.id, 0, 0, "Quixotic")
        overlays.correct(record.id, last, last, "bandoneon")
        overlays.rename(record.id, THEM, "Lindqvist")
        overlays.assign(record.id, 1, 1, "them 2")
        overlays.rename(record.id, "them 2", "Hollingsworthy")
    store.records.requeue(record.id)
    say_again(settings, store, record)
    with store.edits.change(record.id, "edit"):
        overlays.correct(record.id, 2, 2, "vexillology")
    store.edits.undo(record.id)
    store.drafts.put(record.id, 0, "jackdaw", "jackdaw")
    store.notes.add(record.id, 0, "jackdaw")
    with store.edits.change(record.id, "edit"):
        overlays.correct(record.id, 3, 3, "vexillology")
        overlays.correct(record.id, 3, 3, "Max.")
    assert [it.text for it in store.carrying.unplaced(record.id)] == ["bandoneon"]
    settings.edits.mkdir()
    (settings.edits / f"{record.id}.txt").write_text("jackdaw")
    stage = Stage(settings.home)
    assert {word for _, word in remains(settings.home, SAID)} == set(SAID)

    done = stage.offhook("delete", str(record.id), "--yes")

    assert (done.returncode, done.stderr) == (0, "")
    assert remains(settings.home, SAID) == set()
    assert len(stage.read("search", "loveless")["hits"]) == 12
