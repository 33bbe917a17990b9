"""Transcripts as text and as JSON, and what is true of every format."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.exports import FORMATS, IN_LIBRARY
from archive.formats.data import as_json
from archive.formats.text import as_text
from archive.formats.times import timestamp
from archive.transcript import Transcript
from shared.speakers import ME, PERSON, THEM, Label
from shared.words import Segment, Word, milliseconds, numbered
from tests.transcripts import corrected, said_by, sentence, transcript

# What a model says: words and signs on one line.
texts = st.text("ab Z09.,'’-–>&<;#\"éß李😀", min_size=1).map(lambda text: " ".join(text.split()) or "…")
moments = st.integers(0, 400_000_000)


@st.composite
def segments(draw: st.DrawFn) -> tuple[Segment, ...]:
    """Segments one after another, with times to the millisecond."""
    times = sorted(draw(st.lists(moments, max_size=16)))
    pairs = zip(times[::2], times[1::2], strict=False)
    return tuple(segment(start, end, draw(texts)) for start, end in pairs)


def segment(start_ms: int, end_ms: int, text: str) -> Segment:
    words = tuple(Word(start_ms, end_ms, f" {word}", 0.5) for word in text.split()[:2])
    return Segment(start_ms, end_ms, text, words, doubts=("improbable",) if len(text) % 2 else ())


@given(st.floats(0, 400_000), st.floats(0, 400_000))
def test_a_later_moment_is_never_written_as_an_earlier_one(one: float, other: float):
    earlier, later = sorted([one, other])

    if later < 360_000:  # after 99 hours there is one digit more
        assert timestamp(milliseconds(earlier)) <= timestamp(milliseconds(later))


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0.0, "00:00:00.000"),
        (0.0004, "00:00:00.000"),
        (0.9996, "00:00:01.000"),
        (59.9996, "00:01:00.000"),
        (3599.9996, "01:00:00.000"),
        (9 * 3600 + 59 * 60 + 59.9999, "10:00:00.000"),
        (12 * 3600 + 34 * 60 + 56.789, "12:34:56.789"),
        (100 * 3600 + 0.001, "100:00:00.001"),
    ],
)
def test_moments_are_rounded_before_they_are_split_into_hours_and_minutes(seconds: float, written: str):
    assert timestamp(milliseconds(seconds)) == written


@given(segments())
def test_text_without_speakers_is_a_line_for_each_segment(found: tuple[Segment, ...]):
    assert as_text(transcript(*found)).split("\n") == [*(s.text for s in found), ""]


@given(segments())
def test_json_gives_back_the_whole_transcript(found: tuple[Segment, ...]):
    written = transcript(*found)

    assert from_json(as_json(written)) == written


def test_json_says_which_version_it_is():
    assert json.loads(as_json(transcript()))["version"] == 1


def test_json_gives_back_what_is_not_known_as_null():
    unknown = replace(
        transcript(), duration_seconds=None, language=None, language_probability=None, model=None, flags=()
    )

    assert from_json(as_json(unknown)) == unknown


def test_json_has_the_number_and_the_speaker_of_each_word_and_the_passages_to_read():
    labels = [said_by(ME, 0, 4, 0.8), said_by(THEM, 5, 5, 0.6), Label(6, 6, THEM, PERSON)]
    found = written(
        transcript(
            *(sentence("How are you?"), sentence("Fine. And you? Good.", 2000)),
            labels=labels,
            names={ME: "Ada"},
            corrections=[corrected(4, 5, "How about you?")],
        )
    )
    words = [word for segment in found["segments"] for word in segment["words"]]
    assert [(word["id"], word["speaker"], word["speaker_probability"]) for word in words] == [
        *((number, "me", 0.8) for number in range(5)),
        *((5, "them", 0.6), (6, "them", None)),
    ]
    assert found["speakers"] == [
        {"speaker": "me", "name": "Ada", "shown_name": "Ada"},
        {"speaker": "them", "name": None, "shown_name": "Them"},
    ]
    assert [(it["first_word"], it["last_word"], it["name"], it["text"]) for it in found["passages"]] == [
        *((0, 2, "Ada", "How are you?"), (3, 5, "Ada", "Fine. How about you?"), (6, 6, "Them", "Good."))
    ]
    assert [it["is_corrected"] for it in found["passages"]] == [False, True, False]
    assert [it["is_doubtful"] for it in found["passages"]] == [False, False, False]
    assert (found["labels"][2]["source"], found["labels"][2]["probability"]) == ("person", None)
    assert found["corrections"][0]["made_at"] == "2023-11-14T22:13:20.000+00:00"


def test_json_of_words_without_times_has_passages_without_numbers():
    (passage,) = written(transcript(Segment(0, 900, "Hello.")))["passages"]
    assert (passage["first_word"], passage["last_word"], passage["speaker"]) == (None, None, None)


def written(found: Transcript) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(as_json(found))
    return read


def from_json(text: str) -> Transcript:
    read = json.loads(text)
    assert read.pop("version") == 1
    found = numbered(Segment.from_json(row) for row in read.pop("segments"))
    known = {name: read[name] for name in list(read)[:6]}
    return Transcript(**known, flags=tuple(read["flags"]), segments=found)


def test_names_stay_readable_in_json():
    assert "Zoë, Łukasz & 李" in as_json(transcript())


def test_an_empty_transcript_is_a_valid_file_in_every_format():
    files = {suffix: form.content(transcript()) for suffix, form in FORMATS.items()}

    assert (files["txt"], files["srt"], files["vtt"]) == (b"", b"", b"WEBVTT\n")
    assert from_json(files["json"].decode()) == transcript()


def test_the_library_has_the_same_files_as_before():
    assert IN_LIBRARY == ("txt", "srt", "vtt", "json")
