"""Transcripts as files, read back with small parsers that know the formats and not the code."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.exports import FORMATS, as_json, as_srt, as_text, as_vtt, timestamp
from archive.transcript import Transcript
from shared.words import Segment, Word, milliseconds

Cue = tuple[int, int, str]  # start and end in milliseconds, text

MOMENT = r"(\d{2,}):([0-5]\d):([0-5]\d)%s(\d{3})"
SRT_TIMES = re.compile(rf"{MOMENT % ','} --> {MOMENT % ','}")
VTT_TIMES = re.compile(rf"{MOMENT % '[.]'} --> {MOMENT % '[.]'}")

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


def transcript(*found: Segment) -> Transcript:
    return Transcript(
        record_id=7,
        title="Zoë, Łukasz & 李",
        duration_seconds=61.5,
        language="en",
        language_probability=0.98,
        model="tiny.en",
        flags=("cut_short",),
        segments=found,
    )


def blocks(text: str) -> list[list[str]]:
    """The blocks of a file, parted by blank lines, as lines."""
    assert text == "" or text.endswith("\n")
    return [block.strip("\n").split("\n") for block in re.split(r"\n{2,}", text) if block.strip("\n")]


def cue(times: re.Match[str] | None, lines: list[str]) -> Cue:
    assert times
    numbers = [int(number) for number in times.groups()]
    start, end = (
        ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
        for hours, minutes, seconds, milliseconds in (numbers[:4], numbers[4:])
    )
    return start, end, "\n".join(lines)


def parsed_srt(text: str) -> list[Cue]:
    found = blocks(text)
    assert [block[0] for block in found] == [str(number) for number in range(1, len(found) + 1)]
    return [cue(SRT_TIMES.fullmatch(block[1]), block[2:]) for block in found]


def parsed_vtt(text: str) -> list[Cue]:
    header, *found = blocks(text)
    assert header == ["WEBVTT"]
    assert all("-->" not in line and "<" not in line for block in found for line in block[1:])
    return [
        cue(VTT_TIMES.fullmatch(block[0]), [html.unescape(line) for line in block[1:]]) for block in found
    ]


def in_milliseconds(found: tuple[Segment, ...]) -> list[Cue]:
    return [(s.start_ms, s.end_ms, s.text) for s in found]


@given(segments())
def test_srt_gives_back_every_text_and_its_times_to_the_millisecond(found: tuple[Segment, ...]):
    assert parsed_srt(as_srt(transcript(*found))) == in_milliseconds(found)


@given(segments())
def test_vtt_gives_back_every_text_and_its_times_to_the_millisecond(found: tuple[Segment, ...]):
    assert parsed_vtt(as_vtt(transcript(*found))) == in_milliseconds(found)


@given(segments())
def test_cues_follow_one_another_in_time(found: tuple[Segment, ...]):
    for cues in parsed_srt(as_srt(transcript(*found))), parsed_vtt(as_vtt(transcript(*found))):
        assert all(start <= end for start, end, _ in cues)
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(cues))


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


@pytest.mark.parametrize("text", ["a --> b", "1 < 2 & 3 > 2", "<i>no</i> &amp;", "-->", "&lt;"])
def test_signs_that_mean_something_in_subtitles_are_read_back_as_they_were_said(text: str):
    found = segment(1000, 2000, text)

    assert parsed_srt(as_srt(transcript(found))) == [(1000, 2000, text)]
    assert parsed_vtt(as_vtt(transcript(found))) == [(1000, 2000, text)]


@pytest.mark.parametrize("text", ["above\n\nbelow", "above\n\n2\n00:00:09,000 --> 00:00:10,000\nbelow"])
def test_a_blank_line_in_a_text_neither_ends_its_cue_nor_begins_another(text: str):
    found = transcript(segment(1000, 2000, text), segment(3000, 4000, "after"))

    assert [cue[:2] for cue in parsed_srt(as_srt(found))] == [(1000, 2000), (3000, 4000)]
    assert len(blocks(as_vtt(found))) == 3
    assert len(as_text(found).splitlines()) == 2


@given(segments())
def test_text_is_a_line_for_each_segment(found: tuple[Segment, ...]):
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


def from_json(text: str) -> Transcript:
    read = json.loads(text)
    assert read.pop("version") == 1
    found = tuple(Segment.from_json(row) for row in read["segments"])
    return Transcript(**{**read, "flags": tuple(read["flags"]), "segments": found})


def test_names_stay_readable_in_json():
    assert "Zoë, Łukasz & 李" in as_json(transcript())


def test_an_empty_transcript_is_a_valid_file_in_every_format():
    written = {suffix: render(transcript()) for suffix, render in FORMATS.items()}

    assert (written["txt"], written["srt"]) == ("", "")
    assert parsed_vtt(written["vtt"]) == []
    assert from_json(written["json"]) == transcript()
