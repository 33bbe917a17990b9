"""Words are found by looking at the segments that have them, as they are by reading the whole call."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import transcript
from offhook.desk.desk import Desk
from offhook.desk.replacing import found_in, replace_now, replaced
from shared.errors import StateConflict
from shared.reading import Correction, read
from shared.speakers import LOUDNESS, ME, PERSON, THEM, Label
from shared.store.store import Store
from shared.store.transcripts import Window
from shared.words import Segment, Word
from tests.integration.commands.spoken import CALL, segments_of, spoken

WORDS = ("new", "York", "New", "NEW", "york's", "newest", "東京", "a")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk({"home": tmp_path_factory.mktemp("home")}) as desk:
        yield desk


said = st.lists(st.lists(st.sampled_from(WORDS), max_size=4), max_size=12)
laid = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 4), st.sampled_from(("new York", "", "York"))))
voices = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 6), st.sampled_from((ME, THEM))))


@given(said, laid, voices, st.sampled_from(("new york", "York", "york new", "京", "new")))
def test_places_are_those_of_the_whole_call(
    one: Desk,
    said: list[list[str]],
    laid: list[tuple[int, int, str]],
    voices: list[tuple[int, int, str]],
    old: str,
) -> None:
    store = one.store
    record = store.records.add(source="capture", title="Call", recording_path="/call.wav")
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    segments = []
    for place, some in enumerate(said):
        words = tuple(Word(500 * place + n, 500 * place + n + 1, f" {it}", 0.9) for n, it in enumerate(some))
        text = "".join(it.text for it in words).strip()
        segments.append(Segment(500 * place, 500 * place + 400, text, words))
    labels = [Label(at, at + more, who, LOUDNESS, 0.9) for at, more, who in voices]
    record = store.claims.complete(claim, segments, labels)
    with store.edits.change(record.id, "edit"):
        corrections = [Correction(at, at + more, text, PERSON, 1.0) for at, more, text in laid]
        store.overlays.replace_corrections(record.id, corrections)

    whole = transcript.load(store, record, "")
    tokens = read(whole.segments, whole.overlay.labels, whole.overlay.corrections)
    expected = replaced([it for it in tokens if it.last_word >= it.first_word], old, "Paris")
    found = found_in(one, record, old, "Paris")
    assert [(it.start_ms, it.found, it.new, it.first_word) for it in found.places] == [
        (it.start_ms, it.found, it.new, it.first_word) for it in expected[0]
    ]
    assert found.rewordings == expected[1]


def test_words_of_a_record_that_is_being_transcribed_are_not_replaced(desk: Desk, store: Store) -> None:
    spoken(desk.settings, store)
    store.records.requeue(1)
    claim = store.claims.claim(1, worker_id="w", model="m", lease_seconds=60)
    assert claim
    store.claims.save_windows(claim, [Window(0.0, 5.0, 0.0, tuple(segments_of(CALL)[0]))], progress=0.5)
    with pytest.raises(StateConflict):
        replace_now(desk, 1, "loveless", "Lovelace")
    assert store.edits.of_record(1) == []
