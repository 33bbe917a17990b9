"""A page reads a transcript in windows, and each passage in them is the one of the whole transcript."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive import transcript
from archive.passages import Passage, by_segment, passages
from offhook.desk import reading
from offhook.desk.desk import Desk
from shared.reading import Correction
from shared.speakers import LOUDNESS, ME, PERSON, THEM, UNSURE, Label
from shared.store.transcripts import Window
from shared.store.values import Record
from shared.words import Segment, Word
from tests import tables
from tests.integration.commands.spoken import CALL, say_again, segments_of, spoken

TEXTS = ("yes", "Zoë", "  two  words ", "👋", "\u202eabc", "日本", "", "\n")
SPEAKERS = (ME, THEM, UNSURE, "voice 2")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with Desk({"home": tmp_path_factory.mktemp("home"), "my_name": "Max"}) as desk:
        tables.use(desk.store)
        yield desk


def segment(start_ms: int, texts: list[str], channel: int | None) -> Segment:
    words = tuple(
        Word(start_ms + 40 * n, start_ms + 40 * n + 39, f" {it}", 0.5) for n, it in enumerate(texts)
    )
    text = "".join(word.text for word in words).strip() if words else "um"
    return Segment(start_ms, start_ms + 400, text, words, channel=channel)


_numbers = count()
texts = st.lists(st.sampled_from(TEXTS), max_size=4)
segments = st.lists(
    st.builds(segment, st.integers(0, 9).map(lambda n: n * 300), texts, st.sampled_from((None, 0, 1))),
    max_size=7,
)
numbers = st.integers(-1, 20)
labels = st.lists(
    st.builds(
        lambda first, length, who, source: Label(
            first, first + length, who, source, 0.6 if source == LOUDNESS else None
        ),
        numbers,
        st.integers(-1, 8),
        st.sampled_from(SPEAKERS),
        st.sampled_from((LOUDNESS, PERSON)),
    ),
    max_size=8,
)
corrections = st.lists(
    st.builds(
        lambda first, length, text: Correction(first, first + length, text, PERSON, 1.0),
        numbers,
        st.sampled_from((-1, 0, 0, 1, 2, 3, 9, 10**6)),
        st.sampled_from(TEXTS),
    ),
    max_size=4,
)


def laid_out(
    desk: Desk, said: list[Segment], over: list[Label], put_right: list[Correction], names: dict[str, str]
) -> Record:
    """A record with hostile overlays, as no command makes them."""
    store = desk.store
    path = f"/{next(_numbers)}.wav"
    record = store.records.add(source="capture", title="Ada", recording_path=path)
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    record = store.claims.complete(claim, said)
    with store.transaction():
        store.overlays.replace(record.id, over, [])
        store.overlays.replace_those_of_persons(
            record.id, [it for it in over if it.source == PERSON], put_right
        )
        store.overlays.replace_names(record.id, names)
    return record


def in_whole(passage: Passage, segment: int) -> Passage:
    """A passage whose tokens say in which segment of the whole transcript they are."""
    return replace(passage, tokens=tuple(replace(it, segment=segment) for it in passage.tokens))


@given(
    segments, labels, corrections, st.sampled_from(({}, {ME: "Bo", "voice 2": "Bo"}, {THEM: " "})), st.data()
)
def test_each_window_has_the_passages_of_the_whole_transcript(
    desk: Desk,
    said: list[Segment],
    over: list[Label],
    put_right: list[Correction],
    names: dict[str, str],
    data: st.DataObject,
) -> None:
    record = laid_out(desk, said, over, put_right, names)
    whole = transcript.load(desk.store, record, "Max")
    expected = [(place, it) for place, some in by_segment(whole) for it in some]
    assert sorted((it for _, it in expected), key=lambda it: it.start_ms) == list(passages(whole))

    first = data.draw(st.integers(0, len(said)))
    many = data.draw(st.integers(0, len(said) + 1))
    found = list(reading.stored(desk, record, first, many))
    assert [(shown.segment, in_whole(it, shown.segment)) for it, shown in found] == [
        (place, it) for place, it in expected if first <= place < first + many
    ]
    for passage, shown in found:
        assert (shown.start_ms, shown.end_ms, shown.speaker) == (
            *(passage.start_ms, passage.end_ms),
            passage.speaker,
        )
        assert shown.text == passage.reading.strip()
        in_units = shown.text.encode("utf-16-le")
        for token, it in zip(passage.tokens, shown.tokens, strict=passage.first_word is not None):
            _, _, _, _, offset, length, _, _ = it
            assert in_units[2 * offset : 2 * (offset + length)].decode("utf-16-le") == token.text.strip()
    assert reading.outline(desk, record.id).words == sum(len(it.words) for it in said)


def test_windows_one_after_another_have_each_passage_once(desk: Desk, tmp_path: Path) -> None:
    record = laid_out(desk, *segments_of(CALL), [], {})
    found = [reading.window(desk, record.id, n, 1) for n in range(5)]
    assert [len(it.passages) for it in found] == [1, 1, 1, 1, 0]
    assert {(it.total, it.version) for it in found} == {(4, reading.outline(desk, record.id).version)}
    assert [start for start, _ in reading.outline(desk, record.id).segments] == [0, 5000, 10_000, 15_000]


def test_a_record_that_is_being_transcribed_shows_what_is_decoded_so_far(desk: Desk) -> None:
    store = desk.store
    record = store.records.add(source="capture", title="Call", recording_path="/so-far.wav")
    claim = store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
    assert claim
    before = reading.window(desk, record.id, 0, 10)
    assert before.passages == []
    said = [
        segment(900, ["far"], 1),
        segment(0, ["near", "by"], 0),
        segment(2000, [], 1),
        segment(2500, ["so"], 0),
    ]
    for start, some in ((0.0, said[:1]), (0.5, said[1:])):
        store.claims.save_windows(claim, [Window(start, 3.0, 0.0, tuple(some))], progress=0.5)
    record = store.records.get(record.id)

    whole = transcript.so_far(store, record, "Max")
    assert [it.text for it in whole.segments] == ["near by", "far", "um", "so"]
    shown = reading.window(desk, record.id, 0, 10)
    assert [it.text for it in shown.passages] == [it.reading for it in passages(whole)]
    assert [it.first_word for it in shown.passages] == [it.first_word for it in passages(whole)]
    (last,) = reading.window(desk, record.id, 3, 1).passages
    assert (last.segment, last.first_word, last.text) == (3, 3, "so")
    assert reading.outline(desk, record.id).words == 4
    assert shown.version != before.version


def test_the_version_changes_with_whatever_is_read(desk: Desk) -> None:
    record = spoken(desk.settings, desk.store)
    versions = [reading.outline(desk, record.id).version]

    def is_new() -> bool:
        versions.append(reading.outline(desk, record.id).version)
        return versions[-1] not in versions[:-1]

    with desk.store.edits.change(record.id, "edit"):
        desk.store.overlays.correct(record.id, 8, 8, "Ada")
    assert is_new()
    with desk.store.edits.change(record.id, "speaker"):
        desk.store.overlays.rename(record.id, THEM, "Ada")
    assert is_new()
    assert desk.store.edits.undo(record.id)
    assert is_new()
    say_again(desk.settings, desk.store, desk.store.records.requeue(record.id))
    assert is_new()
    assert not is_new()
