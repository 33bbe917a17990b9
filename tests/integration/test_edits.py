"""What a person changes in a transcript: found by the search, undone one by one, all or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.reading import read
from shared.speakers import LOUDNESS, ME, PERSON, THEM, Label, VoiceTurn
from shared.store.store import Store
from shared.store.values import Record
from shared.store.view import View
from shared.words import Segment, Word
from tests.tables import check_index, execute

SAID = ("Good morning this is Aida loveless", "from the analytical engine")
MACHINE = (Label(0, 5, ME, LOUDNESS, 0.9), Label(6, 9, THEM, LOUDNESS, 0.6))


def segment(start_ms: int, text: str) -> Segment:
    words = tuple(
        Word(start_ms + 300 * n, start_ms + 300 * n + 250, f" {it}", 0.9) for n, it in enumerate(text.split())
    )
    return Segment(start_ms, start_ms + 300 * len(words), text, words)


def transcribed(
    store: Store, *texts: str, labels: tuple[Label, ...] = MACHINE, owner_id: int | None = None
) -> Record:
    record = store.records.add(source="capture", title="Call", recording_path="/call.wav", owner_id=owner_id)
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    segments = [segment(5000 * n, text) for n, text in enumerate(texts)]
    return store.claims.complete(claim, segments, labels)


@pytest.fixture
def record(store: Store) -> Record:
    return transcribed(store, *SAID)


def found(store: Store, words: str) -> list[str]:
    return [hit.text for hit in store.transcripts.search(words, 9)]


def correct(store: Store, record: Record, first: int, last: int, text: str) -> None:
    with store.edits.change(record.id, "edit"):
        store.overlays.correct(record.id, first, last, text)


def test_the_search_finds_what_a_person_wrote_and_no_longer_what_the_engine_wrote(
    store: Store, record: Record
) -> None:
    correct(store, record, 4, 5, "Ada Lovelace")

    assert found(store, "lovelace") == ["Good morning this is Ada Lovelace"]
    assert found(store, "ada lovelace") == found(store, "lovelace")
    assert found(store, "loveless") == []
    assert [hit.snippet for hit in store.transcripts.search("ada*", 9)] == [f"{SAID[0][:20]} [Ada] Lovelace"]
    check_index()


def test_the_person_whose_call_it_is_finds_what_was_corrected_and_others_do_not(store: Store) -> None:
    mine, others = (store.seen_by(View(owner_id=number)).search for number in (7, 8))
    record = transcribed(store, *SAID, owner_id=7)
    correct(store, record, 4, 5, "Ada Lovelace")

    for typed in ("lovelace", "love*"):
        assert [hit.text for hit in mine.find(typed, 9)] == ["Good morning this is Ada Lovelace"]
        assert others.find(typed, 9) == []
    assert mine.find("loveless", 9) == []
    check_index()


def test_a_correction_that_is_withdrawn_is_found_no_longer(store: Store, record: Record) -> None:
    correct(store, record, 4, 5, "Ada Lovelace")
    with store.edits.change(record.id, "edit"):
        store.overlays.withdraw(record.id, 4, 4)

    assert store.overlays.corrections(record.id) == ()
    assert (found(store, "lovelace"), found(store, "loveless")) == ([], [SAID[0]])
    check_index()


def test_changes_are_undone_one_by_one_the_last_one_first(store: Store, record: Record) -> None:
    correct(store, record, 4, 5, "Ada Lovelace")
    with store.edits.change(record.id, "speaker"):
        store.overlays.rename(record.id, THEM, "Charles")
        store.overlays.assign(record.id, 9, 9, ME)
    with store.edits.change(record.id, "swap"):
        store.overlays.swap(record.id, ME, THEM)
    assert [edit.what for edit in store.edits.of_record(record.id)] == ["swap", "speaker", "edit"]

    swapped = (Label(0, 5, THEM, LOUDNESS, 0.9), Label(6, 9, ME, LOUDNESS, 0.6), Label(9, 9, THEM, PERSON))
    assert store.overlays.labels(record.id) == swapped
    undone = store.edits.undo(record.id)
    assert undone
    assert undone.what == "swap"
    assert store.overlays.labels(record.id) == (*MACHINE, Label(9, 9, ME, PERSON))
    assert store.overlays.names(record.id) == {THEM: "Charles"}
    store.edits.undo(record.id)
    assert (store.overlays.labels(record.id), store.overlays.names(record.id)) == (MACHINE, {})
    assert found(store, "lovelace")
    store.edits.undo(record.id)
    assert (found(store, "lovelace"), found(store, "loveless")) == ([], [SAID[0]])
    assert store.edits.undo(record.id) is None
    check_index()


def fail_in_a_change(store: Store, record: Record) -> None:
    with store.edits.change(record.id, "edit"):
        store.overlays.correct(record.id, 4, 5, "Ada Lovelace")
        raise RuntimeError


def test_a_change_that_fails_leaves_nothing_of_itself(store: Store, record: Record) -> None:
    with pytest.raises(RuntimeError):
        fail_in_a_change(store, record)

    assert store.overlays.corrections(record.id) == ()
    assert store.edits.of_record(record.id) == []


def test_nothing_changed_is_no_change(store: Store, record: Record) -> None:
    store.places.mark_archived(record, record.recording_path)
    with store.edits.change(record.id, "edit"):
        store.overlays.withdraw(record.id, 0, 9)

    assert store.edits.of_record(record.id) == []
    assert store.records.get(record.id).archived_at is not None


def test_the_files_of_a_changed_record_are_to_be_written_again(store: Store, record: Record) -> None:
    store.places.mark_archived(record, record.recording_path)
    assert store.places.unarchived() == []

    correct(store, record, 4, 5, "Ada Lovelace")

    assert [each.id for each in store.places.unarchived()] == [record.id]


def test_the_last_changes_can_be_undone_and_no_more_are_kept(store: Store, record: Record) -> None:
    for number in range(60):
        correct(store, record, 0, 0, f"Good{number}")

    assert len(store.edits.of_record(record.id)) == 50


def test_speakers_that_a_person_exchanged_stay_so_when_the_machine_labels_again(
    store: Store, record: Record
) -> None:
    with store.edits.change(record.id, "swap"):
        store.overlays.swap(record.id, ME, THEM)

    store.overlays.relabel(record.id, [Label(0, 9, ME, LOUDNESS, 0.9)])
    assert store.overlays.labels(record.id) == (Label(0, 9, THEM, LOUDNESS, 0.9),)

    with store.edits.change(record.id, "swap"):
        store.overlays.swap(record.id, ME, THEM)
    store.overlays.relabel(record.id, MACHINE)
    assert store.overlays.labels(record.id) == MACHINE
    assert store.overlays.swaps(record.id) == {}


def test_a_voice_keeps_its_number_and_so_its_name_in_another_transcript(store: Store) -> None:
    turns = (VoiceTurn(0, 4000, 1, 0.9), VoiceTurn(5000, 9000, 2, 0.9))
    record = transcribed(store, *SAID, labels=())
    again(store, record, SAID, (), turns)
    with store.edits.change(record.id, "speaker"):
        store.overlays.rename(record.id, "voice 2", "Ada")

    otherwise = [VoiceTurn(0, 3900, 3, 0.8), VoiceTurn(4900, 9000, 1, 0.8), VoiceTurn(9100, 9200, 2, 0.8)]
    labels = [Label(0, 5, "voice 3", "voices", 0.8), Label(6, 8, "voice 1", "voices", 0.8)]
    labels += [Label(9, 9, "them 1", "loudness", 0.8)]  # numbered by who speaks first, whatever the voice
    again(store, record, SAID, tuple(labels), tuple(otherwise))

    assert [turn.voice for turn in store.overlays.voice_turns(record.id)] == [1, 2, 3]
    assert [label.speaker for label in store.overlays.labels(record.id)] == ["voice 1", "voice 2", "them 1"]


def again(
    store: Store,
    record: Record,
    texts: tuple[str, ...],
    labels: tuple[Label, ...] = MACHINE,
    turns: tuple[VoiceTurn, ...] = (),
) -> None:
    """Transcribe a recording again."""
    store.records.requeue(record.id)
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    segments = [segment(5000 * n + 100, text) for n, text in enumerate(texts)]
    store.claims.complete(claim, segments, labels, turns)


# Transcribed again


def test_corrections_labels_and_names_stand_in_another_transcript(store: Store, record: Record) -> None:
    with store.edits.change(record.id, "edit"):
        store.overlays.correct(record.id, 4, 5, "Ada Lovelace")
        store.overlays.assign(record.id, 9, 9, ME)
        store.overlays.rename(record.id, THEM, "Charles")

    again(store, record, ("Well good morning this is Ada loveless", "from the analytical engine"))

    assert found(store, "lovelace") == ["Well good morning this is Ada Lovelace"]
    assert found(store, "loveless") == []
    (label,) = [label for label in store.overlays.labels(record.id) if label.source == PERSON]
    assert (label.first_word, label.last_word, label.speaker) == (10, 10, ME)
    assert store.overlays.names(record.id) == {THEM: "Charles"}
    assert store.carrying.unplaced(record.id) == ()
    assert store.edits.of_record(record.id) == []
    check_index()


def test_what_no_longer_fits_is_kept_and_stands_again_where_it_fits(store: Store, record: Record) -> None:
    correct(store, record, 4, 5, "Ada Lovelace")
    again(store, record, ("Good evening", "from the analytical engine"))

    (left,) = store.carrying.unplaced(record.id)
    assert (left.heard, left.text, left.start_ms) == ("Aida loveless", "Ada Lovelace", 1200)
    assert store.overlays.corrections(record.id) == ()

    again(store, record, SAID)
    assert store.carrying.unplaced(record.id) == ()
    assert found(store, "lovelace") == ["Good morning this is Ada Lovelace"]


def test_nothing_is_lost_of_a_recording_whose_file_has_changed(store: Store, record: Record) -> None:
    correct(store, record, 4, 5, "Ada Lovelace")
    store.records.requeue(record.id)
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    store.claims.start_over(claim, wait_seconds=0.0)
    assert [left.text for left in store.carrying.unplaced(record.id)] == ["Ada Lovelace"]

    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    store.claims.complete(claim, [segment(0, SAID[0])])
    assert found(store, "lovelace") == ["Good morning this is Ada Lovelace"]


def test_a_place_that_a_person_has_corrected_since_is_not_taken(store: Store, record: Record) -> None:
    correct(store, record, 4, 5, "Ada Lovelace")
    again(store, record, ("nothing else",))
    again(store, record, ("some thing was heard here",))
    with store.edits.change(record.id, "edit"):
        store.overlays.correct(record.id, 0, 4, "Someone was heard")
    again(store, record, ("Good morning this is Aida loveless",))

    texts = {it.text for it in (*store.overlays.corrections(record.id), *store.carrying.unplaced(record.id))}
    assert texts == {"Ada Lovelace", "Someone was heard"}


def test_what_found_no_place_can_be_dropped_and_brought_back(store: Store, record: Record) -> None:
    correct(store, record, 4, 5, "Ada Lovelace")
    again(store, record, ("nothing else",))
    before = store.carrying.unplaced(record.id)
    with store.edits.change(record.id, "edit"):
        store.edits.drop_unplaced(record.id)
    assert store.carrying.unplaced(record.id) == ()

    store.edits.undo(record.id)
    assert store.carrying.unplaced(record.id) == before != ()


def test_deleting_a_record_deletes_all_that_persons_have_laid_over_it(store: Store, record: Record) -> None:
    correct(store, record, 4, 5, "Ada Lovelace")
    again(store, record, ("nothing else",))
    with store.edits.change(record.id, "swap"):
        store.overlays.swap(record.id, ME, THEM)

    store.records.delete(record.id)

    for table in ("speaker_labels", "corrections", "speaker_swaps", "unplaced_overlays", "edits", "segments"):
        assert execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
    check_index()


# Two channels


def of_channels(shift_ms: int, *texts: str) -> list[Segment]:
    """Two people who speak at the same time, each on a channel: their segments begin alternately."""
    return sorted(
        (
            replace(segment(1300 * place + 600 * channel + shift_ms, text), channel=channel)
            for channel, said in enumerate(texts)
            for place, text in enumerate(said.split("|"))
        ),
        key=lambda it: it.start_ms,
    )


def test_an_overlay_of_one_channel_is_not_laid_over_words_of_the_other(store: Store) -> None:
    mine, theirs = "one two three|four five six|seven eight nine", "ten ten ten|ten ten ten|ten ten ten"
    record = transcribed(store, "x", labels=())
    store.records.requeue(record.id)
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    store.claims.complete(claim, of_channels(0, mine, theirs))
    numbers = {word: n for n, word in enumerate(spoken_words(store, record))}
    with store.edits.change(record.id, "edit"):
        store.overlays.correct(record.id, numbers["five"], numbers["five"], "FIVE")
        store.overlays.assign(record.id, numbers["one"], numbers["nine"], "voice 7")

    store.records.requeue(record.id)
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    store.claims.complete(
        claim, of_channels(90, mine.replace("five", "fife"), theirs.replace("ten|", "ten ten|"))
    )

    tokens = read(
        store.transcripts.segments(record.id),
        store.overlays.labels(record.id),
        store.overlays.corrections(record.id),
    )
    assert [token.text for token in tokens if token.is_corrected] == [" FIVE"]
    assert {token.speaker for token in tokens if token.text.strip() in mine.split()[1:-1]} == {"voice 7"}
    assert store.carrying.unplaced(record.id) == ()


def spoken_words(store: Store, record: Record) -> list[str]:
    return [word.text.strip() for it in store.transcripts.segments(record.id) for word in it.words]
