"""Passages are changed one by one: none over another person's change, and no typed text is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from archive.library import Library
from offhook.desk import drafts, passage_edits, reading
from offhook.desk.desk import Desk
from offhook.desk.passage_edits import PassageChanged, Wording
from offhook.desk.reading import ShownPassage
from offhook.desk.speech import NoSuchMoment
from shared.errors import StateConflict
from shared.store.transcripts import Window
from shared.store.values import Record
from tests.integration.commands.spoken import CALL, file_of, say_again, segments_of, spoken
from tests.tables import execute


@pytest.fixture
def record(desk: Desk) -> Record:
    return spoken(desk.settings, desk.store)


def shown(desk: Desk) -> list[ShownPassage]:
    return reading.window(desk, 1, 0, 100).passages


def texts(desk: Desk) -> list[str]:
    return [it.text for it in shown(desk)]


def wording(passage: ShownPassage, text: str) -> Wording:
    assert passage.first_word is not None
    assert passage.last_word is not None
    return Wording(passage.first_word, passage.last_word, text, passage.version)


def test_a_corrected_passage_keeps_the_times_of_its_words_and_is_found_by_its_new_ones(
    desk: Desk, record: Record
) -> None:
    before = shown(desk)[1]
    done = passage_edits.edit(desk, 1, wording(before, "Hello Max, Ada Lovelace here."))
    assert [it.text for it in done.passages] == ["Hello Max, Ada Lovelace here."]
    assert done.version == reading.outline(desk, 1).version
    times = [(it[2], it[3]) for it in before.tokens]
    assert [(it[2], it[3]) for it in done.passages[0].tokens] == times
    assert [it[7] for it in done.passages[0].tokens] == [0, 0, 1, 1, 0]
    assert [it.text for it in desk.store.transcripts.search("lovelace", 9)] == [
        "Hello Max, Ada Lovelace here."
    ]
    assert [it.what for it in desk.store.edits.of_record(1)] == ["edit"]


def test_the_files_in_the_library_follow_with_the_next_sweep(desk: Desk, record: Record) -> None:
    passage_edits.edit(desk, 1, wording(shown(desk)[1], "Hello."))
    assert "Aida" in file_of(desk.settings, record)
    assert [it.id for it in desk.store.places.unarchived()] == [1]
    Library(desk.settings, desk.store).rewrite(1)
    assert "Aida" not in file_of(desk.settings, record)


def test_of_two_changes_of_one_passage_the_second_is_refused_and_told_the_first(
    desk: Desk, record: Record
) -> None:
    base = shown(desk)[1]
    passage_edits.edit(desk, 1, wording(base, "Hello Max, Ada here."))
    drafts.put(desk, 1, 5, "Hello Max, Aida Lovelace here.", base.version)
    with pytest.raises(PassageChanged) as refused:
        passage_edits.edit(desk, 1, wording(base, "Hello Max, Aida Lovelace here."))
    assert [it["text"] for it in refused.value.details["passages"]] == ["Hello Max, Ada here."]
    present = shown(desk)[1]
    assert (present.text, present.draft) == ("Hello Max, Ada here.", "Hello Max, Aida Lovelace here.")
    assert present.draft_base == base.version != present.version
    assert len(desk.store.edits.of_record(1)) == 1


def test_a_change_of_another_passage_is_in_nobodys_way(desk: Desk, record: Record) -> None:
    base = shown(desk)[1]
    passage_edits.edit(desk, 1, wording(shown(desk)[0], "Good evening, this is Max."))
    passage_edits.edit(desk, 1, wording(base, "Hello."))
    assert texts(desk)[:2] == ["Good evening, this is Max.", "Hello."]


def test_a_text_made_of_an_earlier_transcript_is_refused_and_kept(desk: Desk, record: Record) -> None:
    base = shown(desk)[1]
    drafts.put(desk, 1, 5, "Hello Max, Ada Lovelace here.", base.version)
    said = [(who, f"So {text}") for who, text in CALL]
    say_again(desk.settings, desk.store, desk.store.records.requeue(1), said)
    with pytest.raises(PassageChanged) as refused:
        passage_edits.edit(desk, 1, wording(base, "Hello Max, Ada Lovelace here."))
    assert refused.value.details["passages"][0]["text"] == "So Good morning, this is Max."
    assert [it.draft for it in shown(desk)] == [None] * 4
    assert [it["text"] for it in drafts.orphans(desk, 1)] == ["Hello Max, Ada Lovelace here."]


def test_a_stored_text_drops_its_draft_and_no_other(desk: Desk, record: Record) -> None:
    one, other = shown(desk)[:2]
    drafts.put(desk, 1, 0, "Good", one.version)
    drafts.put(desk, 1, 0, "Good evening", one.version)
    drafts.put(desk, 1, 5, "Hello", other.version)
    assert [it.draft for it in shown(desk)] == ["Good evening", "Hello", None, None]
    passage_edits.edit(desk, 1, wording(one, one.text))
    assert [it.draft for it in shown(desk)] == [None, "Hello", None, None]
    drafts.drop(desk, 1, 5)
    assert [it.draft for it in shown(desk)] == [None] * 4
    assert drafts.orphans(desk, 1) == []


def test_what_the_machine_wrote_can_be_read_and_restored(desk: Desk, record: Record) -> None:
    said = texts(desk)
    passage_edits.edit(desk, 1, wording(shown(desk)[1], "Hello Ada!"))
    assert passage_edits.heard(desk, 1, 5).text == said[1]
    passage_edits.restore(desk, 1, 5, 9)
    assert texts(desk) == said
    passage_edits.edit(desk, 1, wording(shown(desk)[1], "Hello Ada!"))
    passage_edits.edit(desk, 1, wording(shown(desk)[1], said[1]))
    assert texts(desk) == said
    assert desk.store.overlays.corrections(1) == ()
    with pytest.raises(NoSuchMoment):
        passage_edits.heard(desk, 1, 6)


def test_confirmed_words_are_no_doubt_any_more_and_still_what_the_machine_wrote(
    desk: Desk, record: Record
) -> None:
    passage_edits.edit(desk, 1, wording(shown(desk)[1], "Hello Max, Ada Lovelace here."))
    before = texts(desk)
    done = passage_edits.confirm(desk, 1, 5, 9)
    assert [(it[6], it[7]) for it in done.passages[0].tokens] == [(None, said) for said in (2, 2, 1, 1, 2)]
    assert texts(desk) == before
    assert [it.what for it in desk.store.edits.of_record(1)] == ["confirm", "edit"]
    say_again(desk.settings, desk.store, desk.store.records.requeue(1))
    assert texts(desk) == before


def test_words_that_there_are_not_are_not_changed(desk: Desk, record: Record) -> None:
    for first, last in ((0, 10**6), (999, 999), (3, 2), (-1, 0)):
        with pytest.raises(NoSuchMoment):
            passage_edits.confirm(desk, 1, first, last)
        with pytest.raises(NoSuchMoment):
            passage_edits.restore(desk, 1, first, last)
    with pytest.raises(NoSuchMoment):
        drafts.put(desk, 1, 999, "x", "y")
    with pytest.raises(PassageChanged):
        passage_edits.edit(desk, 1, Wording(999, 1000, "x", "y"))
    assert desk.store.edits.of_record(1) == []


def test_words_of_a_record_that_is_being_transcribed_are_not_changed(desk: Desk, record: Record) -> None:
    passage = shown(desk)[0]
    desk.store.records.requeue(1)
    claim = desk.store.claims.claim(1, worker_id="w", model="m", lease_seconds=60)
    assert claim
    assert texts(desk)[0] == passage.text
    segments, _ = segments_of(CALL)
    desk.store.claims.save_windows(claim, [Window(0.0, 5.0, 0.0, tuple(segments[2:]))], progress=0.5)
    assert texts(desk) == [text for _, text in CALL[2:]]
    for change in (
        lambda: passage_edits.edit(desk, 1, wording(passage, "x")),
        lambda: passage_edits.confirm(desk, 1, 0, 1),
        lambda: drafts.put(desk, 1, 0, "x", passage.version),
    ):
        with pytest.raises(StateConflict):
            change()


def test_a_passage_of_a_corrected_run_across_two_segments_is_changed_as_one(
    desk: Desk, record: Record
) -> None:
    with desk.store.edits.change(1, "edit"):
        desk.store.overlays.correct(1, 9, 10, "here! I")
    found = shown(desk)[1]
    assert (found.text, found.last_word) == ("Hello Max, Aida loveless here! I", 10)
    passage_edits.edit(desk, 1, wording(found, "Hello Max, Ada here, and I"))
    assert texts(desk)[1:3] == ["Hello Max, Ada here, and I", "wrote about the analytical engine."]
    execute("INSERT INTO segments_search (segments_search, rank) VALUES ('integrity-check', 1)")
    desk.store.edits.undo(1)
    assert texts(desk)[1] == found.text


def test_drafts_go_with_their_record(desk: Desk, record: Record, tmp_path: Path) -> None:
    drafts.put(desk, 1, 0, "secret", "x")
    desk.store.notes.add(1, 0, "secret")
    desk.store.records.delete(1)
    assert [execute(f"SELECT count(*) FROM {it}").fetchone() for it in ("drafts", "notes")] == [(0,), (0,)]
