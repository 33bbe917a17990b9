"""A change of some words looks at no others, and its index and its undoing are those of the whole record."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.reading import Correction, corrected_texts
from shared.settings import Settings
from shared.speakers import ME, PERSON, THEM
from shared.store.store import Store
from shared.words import Segment, Word
from tests import tables
from tests.tables import execute

WORDS = 12


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("store") / "offhook.db") as store:
        yield tables.use(store)


def transcribed(store: Store) -> int:
    record = store.records.add(source="capture", title="Call", recording_path="/call.wav")
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    words = [Word(100 * n, 100 * n + 90, f" w{n}", 0.9) for n in range(WORDS)]
    some = [words[:3], words[3:5], [], words[5:9], words[9:]]
    said = [Segment(0, 1200, "".join(it.text for it in part).strip(), tuple(part)) for part in some]
    return store.claims.complete(claim, said).id


def assert_is_indexed_as_a_whole(store: Store, record_id: int) -> None:
    expected = corrected_texts(store.transcripts.segments(record_id), store.overlays.corrections(record_id))
    rows = execute("SELECT corrected_text FROM segments WHERE record_id = ? ORDER BY id", (record_id,))
    assert [text for (text,) in rows] == [expected.get(place) for place in range(5)]
    execute("INSERT INTO segments_search (segments_search, rank) VALUES ('integrity-check', 1)")


numbers = st.tuples(st.integers(-1, WORDS + 1), st.integers(-1, WORDS + 1)).map(sorted)
texts = st.sampled_from(("Ada", "", "Ada Lovelace", "w3"))
forged = st.builds(lambda at, text: Correction(*at, text, PERSON, 1.0), numbers, texts)
changes = st.lists(st.tuples(numbers, st.one_of(st.none(), texts)), max_size=6)


@given(st.lists(forged, max_size=3), changes)
def test_narrow_changes_are_indexed_and_undone_as_those_of_the_whole_record(
    kept: Store, before: list[Correction], steps: list[tuple[list[int], str | None]]
) -> None:
    record_id = transcribed(kept)
    with kept.edits.change(record_id, "whole"):
        kept.overlays.replace_corrections(record_id, before)
    assert_is_indexed_as_a_whole(kept, record_id)
    states = [kept.overlays.corrections(record_id)]
    for (first, last), text in steps:
        made = len(kept.edits.of_record(record_id))
        with kept.edits.change(record_id, "narrow", (first, last)):
            if text is None:
                kept.overlays.withdraw(record_id, first, last)
            else:
                kept.overlays.correct(record_id, first, last, text)
        assert_is_indexed_as_a_whole(kept, record_id)
        if len(kept.edits.of_record(record_id)) > made:
            states.append(kept.overlays.corrections(record_id))
    for state in reversed(states[:-1]):
        assert kept.edits.undo(record_id)
        found = kept.overlays.corrections(record_id)
        assert sorted(found, key=repr) == sorted(state, key=repr)
        assert_is_indexed_as_a_whole(kept, record_id)


def test_a_change_keeps_only_what_it_changed(kept: Store) -> None:
    record_id = transcribed(kept)
    with kept.edits.change(record_id, "edit"):
        for number in range(WORDS):
            kept.overlays.correct(record_id, number, number, f"x{number}")
    with kept.edits.change(record_id, "edit", (3, 4)):
        kept.overlays.correct(record_id, 3, 4, "Ada")
    with kept.edits.change(record_id, "speaker"):
        kept.overlays.rename(record_id, ME, "Max")
    sizes = execute("SELECT before FROM edits WHERE record_id = ? ORDER BY id", (record_id,)).fetchall()
    assert ["x3" in text or "x9" in text for (text,) in sizes] == [False, True, False]
    assert "x9" not in sizes[1][0]
    assert sizes[2][0] == '{"names": {}}'


def test_undoing_back_to_a_change_undoes_it_and_all_later_ones_or_nothing(kept: Store) -> None:
    record_id = transcribed(kept)
    for number in range(4):
        with kept.edits.change(record_id, f"edit {number}", (number, number)):
            kept.overlays.correct(record_id, number, number, "Ada")
    second = kept.edits.of_record(record_id)[2]
    assert kept.edits.undo_back_to(record_id, second.id + 100) == []
    undone = kept.edits.undo_back_to(record_id, second.id)
    assert [it.what for it in undone] == ["edit 3", "edit 2", "edit 1"]
    assert [it.first_word for it in kept.overlays.corrections(record_id)] == [0]


def test_exchanging_speakers_and_back_leaves_every_label_as_it_was(kept: Store) -> None:
    record_id = transcribed(kept)
    with kept.edits.change(record_id, "speaker"):
        kept.overlays.assign(record_id, 0, 3, ME)
        kept.overlays.assign(record_id, 4, 6, THEM)
    before = kept.overlays.labels(record_id)
    for one, other in ((ME, THEM), (THEM, "voice 2"), ("voice 2", ME)):
        with kept.edits.change(record_id, "swap"):
            kept.overlays.swap(record_id, one, other)
    for _ in range(3):
        kept.edits.undo(record_id)
    assert kept.overlays.labels(record_id) == before
    assert kept.overlays.swaps(record_id) == {}


def test_an_edit_of_an_earlier_version_of_offhook_is_undone(settings: Settings, store: Store) -> None:
    record_id = transcribed(store)
    store.overlays.correct(record_id, 0, 0, "Ada")
    whole = '{"labels": [], "corrections": [], "names": {"me": "Max"}, "swaps": {}, "unplaced": []}'
    execute(
        "INSERT INTO edits (record_id, what, before, made_at) VALUES (?, 'edit', ?, 1)", (record_id, whole)
    )
    assert store.edits.undo(record_id)
    assert store.overlays.corrections(record_id) == ()
    assert store.overlays.names(record_id) == {ME: "Max"}
