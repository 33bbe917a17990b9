"""Words and segments as JSON: both forms that were ever written, and what other versions may add."""

from __future__ import annotations

import json

import pytest

from shared.words import Segment, Word, numbered, segments_as_json, segments_from_json

HELLO = Word(520, 900, " Hello", 0.97)
SEGMENT = Segment(
    500,
    1200,
    "Hello there.",
    (HELLO, Word(900, 1200, " there.", 0.5)),
    average_log_probability=-0.21,
    no_speech_probability=0.01,
    compression_ratio=0.6,
    doubts=("too_fast",),
    first_word=7,
)


def test_segments_come_back_from_json_as_they_were() -> None:
    bare = Segment(0, 10, "Kurz: äöü")
    assert segments_from_json(segments_as_json([SEGMENT, bare])) == (SEGMENT, bare)


def test_segments_of_an_older_database_are_read() -> None:
    older = {
        "start_seconds": 0.5,
        "end_seconds": 1.2,
        "text": "Hello there.",
        "average_log_probability": -0.21,
        "no_speech_probability": 0.01,
        "compression_ratio": 0.6,
        "doubts": ["too_fast"],
        "words": [[0.52, 0.9, " Hello", 0.97], [0.9, 1.2, " there.", 0.5]],
    }
    (found,) = segments_from_json(json.dumps([older]))
    assert (found.start_ms, found.end_ms, found.words) == (500, 1200, SEGMENT.words)
    assert (found.doubts, found.average_log_probability, found.first_word) == (("too_fast",), -0.21, None)


def test_an_older_segment_without_words_has_none() -> None:
    older = {"start_seconds": 0.0, "end_seconds": 1.0, "text": "Yes.", "words": None}
    assert Segment.from_json(older) == Segment(0, 1000, "Yes.")


@pytest.mark.parametrize("ms", [1, 999, 35_999_999, 43_200_001])
def test_older_times_keep_their_millisecond(ms: int) -> None:
    assert Word.from_json([ms / 1000, ms / 1000, "a", 1.0]).start_ms == ms


def test_a_figure_that_is_not_a_number_is_unknown() -> None:
    nan = float("nan")
    assert Word.from_json([0.0, 1.0, "a", nan]) == Word(0, 1000, "a", 0.0)
    segment = {"start_ms": 0, "end_ms": 1, "text": "a", "average_log_probability": -nan}
    assert Segment.from_json(segment).average_log_probability is None


def test_fields_of_a_later_version_are_passed_over() -> None:
    word = HELLO.as_json() | {"speaker": {"name": "A"}}
    later = SEGMENT.as_json() | {"emotion": [1, 2], "words": [word]}
    found = Segment.from_json(later)
    assert found.words == (HELLO,)
    assert found.text == SEGMENT.text


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([], "segment must be an object"),
        ({"start_ms": 1, "end_ms": 2}, "text must be a text"),
        ({"start_ms": "1", "end_ms": 2, "text": ""}, "start_ms must be a number"),
        ({"start_ms": True, "end_ms": 2, "text": ""}, "start_ms must be a number"),
        ({"start_ms": 1, "end_ms": float("nan"), "text": ""}, "end_ms must be a number"),
        ({"start_ms": 1, "end_ms": 2, "text": "", "words": 3}, "words must be a list"),
        ({"start_ms": 1, "end_ms": 2, "text": "", "words": [[1.0]]}, "end_seconds must be a number"),
        ({"start_ms": 1, "end_ms": 2, "text": "", "words": ["a"]}, "word must be an object"),
    ],
)
def test_a_false_segment_is_an_error_that_names_the_field(found: object, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Segment.from_json(found)


@pytest.mark.parametrize("text", ["", "{}", "null", "[" * 100_000])
def test_what_is_no_list_of_segments_is_an_error(text: str) -> None:
    with pytest.raises(ValueError):
        segments_from_json(text)


def test_words_are_numbered_through_the_whole_transcript() -> None:
    wordless = Segment(1200, 1300, "No times here.")
    found = numbered([SEGMENT, wordless, SEGMENT, SEGMENT])
    assert [segment.first_word for segment in found] == [0, 2, 2, 4]
