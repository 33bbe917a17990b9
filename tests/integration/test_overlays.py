"""What is laid over words: who said them, names and corrections, in a real database."""

from __future__ import annotations

import pytest

from shared.errors import ClaimLost
from shared.speakers import CHANNELS, LOUDNESS, ME, PERSON, THEM, Label, VoiceTurn
from shared.store.claims import Claim
from shared.store.store import Store
from shared.store.values import Record
from shared.words import Segment, Word
from tests.tables import Segment as SegmentTable

WORDS = tuple(Word(100 * n, 100 * n + 90, f" w{n}", 0.9) for n in range(4))
SEGMENTS = (Segment(0, 190, "w0 w1", WORDS[:2], channel=0), Segment(200, 390, "w2 w3", WORDS[2:], channel=1))
MACHINE = (Label(0, 1, ME, LOUDNESS, 0.9), Label(2, 3, THEM, LOUDNESS, 0.6))
TURNS = (VoiceTurn(0, 190, 1, 0.9), VoiceTurn(200, 390, 2, 0.8))


@pytest.fixture
def claim(store: Store) -> Claim:
    record = store.records.add(source="inbox", session_id="s", title="Call", recording_path="/in/call.wav")
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    return claim


@pytest.fixture
def record(store: Store, claim: Claim) -> Record:
    return store.claims.complete(claim, SEGMENTS, MACHINE, TURNS)


def test_speakers_are_committed_with_the_transcript(store: Store, record: Record):
    assert store.overlays.labels(record.id) == MACHINE
    assert store.overlays.voice_turns(record.id) == TURNS
    assert [segment.channel for segment in store.transcripts.segments(record.id)] == [0, 1]


def test_a_worker_that_has_lost_its_record_writes_no_speaker(store: Store, claim: Claim):
    store.claims.hand_back(claim)

    with pytest.raises(ClaimLost):
        store.claims.complete(claim, SEGMENTS, MACHINE, TURNS)

    assert store.overlays.labels(claim.record.id) == ()
    assert store.overlays.voice_turns(claim.record.id) == ()


def test_labels_made_again_replace_those_of_the_machine_and_no_others(store: Store, record: Record):
    store.overlays.assign(record.id, 3, 3, ME)

    store.overlays.relabel(record.id, [Label(0, 3, THEM, CHANNELS, 0.97)])

    expected = (Label(0, 3, THEM, CHANNELS, 0.97), Label(3, 3, ME, PERSON))
    assert store.overlays.labels(record.id) == expected


def test_a_speaker_has_the_last_name_that_was_given_until_it_is_taken_away(store: Store, record: Record):
    store.overlays.rename(record.id, THEM, "Ms. Okafor")
    store.overlays.rename(record.id, THEM, "Ada Lovelace")
    assert store.overlays.names(record.id) == {THEM: "Ada Lovelace"}

    store.overlays.rename(record.id, THEM, None)
    assert store.overlays.names(record.id) == {}


def test_a_correction_leaves_the_words_as_the_engine_wrote_them(store: Store, record: Record):
    store.overlays.correct(record.id, 1, 2, "Okafor")

    (correction,) = store.overlays.corrections(record.id)
    assert (correction.first_word, correction.last_word, correction.text) == (1, 2, "Okafor")
    assert [word for it in store.transcripts.segments(record.id) for word in it.words] == list(WORDS)


def test_deleting_a_record_deletes_its_overlays(store: Store, record: Record):
    store.overlays.rename(record.id, THEM, "Ada Lovelace")
    store.overlays.correct(record.id, 0, 0, "Hello")

    store.records.delete(record.id)

    overlays = store.overlays
    left = (overlays.labels, overlays.voice_turns, overlays.names, overlays.corrections)
    assert not any(read(record.id) for read in left)
    assert SegmentTable.select().count() == 0
