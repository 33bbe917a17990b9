"""Subtitles: cues of two short lines that follow one another, read back by parsers of others."""

from __future__ import annotations

import html
import io
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import av
import pysubs2
import pytest
import webvtt
from hypothesis import given
from hypothesis import strategies as st

from archive.formats.cues import LINE_COLUMNS, SHORTEST_MS
from archive.formats.pieces import width
from archive.formats.subtitles import as_srt, as_vtt
from archive.transcript import Transcript
from shared.speakers import ME, THEM, UNSURE
from shared.words import Segment, Word
from tests.transcripts import corrected, said_by, sentence, transcript

LONG = (
    "Good morning and thank you for taking the time to talk with me, "
    "I have read your application and I liked it."
)
NAMES = {ME: "Ada", THEM: "Bob"}


class Shown(NamedTuple):
    """A cue as a parser reads it."""

    start_ms: int
    end_ms: int
    lines: list[str]


def srt(found: Transcript) -> list[Shown]:
    """Cues as pysubs2 reads them."""
    events = pysubs2.SSAFile.from_string(as_srt(found), "srt", keep_html_tags=True)
    return [Shown(it.start, it.end, it.text.replace("{", "").split("\\N")) for it in events]


def vtt(found: Transcript) -> list[Shown]:
    """Cues as webvtt-py reads them."""
    captions = webvtt.from_buffer(io.StringIO(as_vtt(found)))
    return [
        Shown(
            _ms(it.start_in_seconds, it.start),
            _ms(it.end_in_seconds, it.end),
            html.unescape(it.text).split("\n"),
        )
        for it in captions
    ]


def _ms(seconds: int, text: str) -> int:
    return int(seconds) * 1000 + int(text[-3:])


def voices(found: Transcript) -> list[str | None]:
    """The voice of each cue, as webvtt-py reads it."""
    return [it.voice and html.unescape(it.voice) for it in webvtt.from_buffer(io.StringIO(as_vtt(found)))]


def ffmpeg(path: Path) -> list[tuple[int, int, str]]:
    """Cues as FFmpeg reads them from a file."""
    with av.open(str(path)) as file:
        return [(it.pts, it.duration, bytes(it).decode()) for it in file.demux() if it.size]


def test_a_sentence_that_fits_is_one_cue_with_its_own_times() -> None:
    found = transcript(sentence("Good morning.", 1108, 700))
    assert srt(found) == vtt(found) == [Shown(1108, 2508, ["Good morning."])]


def test_a_long_sentence_breaks_where_a_clause_ends() -> None:
    found = srt(transcript(sentence(LONG, 1000)))
    assert [it.lines for it in found] == [
        ["Good morning and thank you for", "taking the time to talk with me,"],
        ["I have read your", "application and I liked it."],
    ]
    assert [(it.start_ms, it.end_ms) for it in found] == [(1000, 4900), (4900, 7600)]


def test_srt_names_the_speaker_in_the_text_and_vtt_as_the_voice() -> None:
    found = transcript(
        sentence("How are you? Fine.", 0, 1000),
        labels=[said_by(ME, 0, 2), said_by(THEM, 3, 3, 0.5)],
        names=NAMES,
    )
    assert [it.lines for it in srt(found)] == [["Ada: How are you?"], ["Bob (?): Fine."]]
    assert [it.lines for it in vtt(found)] == [["How are you?"], ["Fine."]]
    assert voices(found) == ["Ada", "Bob (?)"]


def test_two_who_talk_at_once_are_shown_one_after_another_and_the_longer_one_is_not_gone_too_soon() -> None:
    both = transcript(
        sentence("I wanted to tell you about the plan", 0, 500, channel=0),
        sentence("Yes.", 2000, 300, channel=1),
        sentence("Go on.", 2200, 300, channel=1),
        labels=[said_by(ME, 0, 7), said_by(THEM, 8, 10)],
        names=NAMES,
    )
    assert srt(both) == [
        Shown(0, 2000, ["Ada: I wanted to tell you about the plan"]),
        Shown(2000, 2400, ["Bob: Yes."]),
        Shown(2400, 4000, ["Bob: Go on."]),
    ]


def test_a_cue_is_shown_for_a_moment_at_least_and_the_next_one_waits_for_it() -> None:
    found = transcript(sentence("No.", 1000, 20), sentence("Yes.", 1020, 1000), sentence("So.", 9000, 10))
    assert [(it.start_ms, it.end_ms) for it in vtt(found)] == [
        *((1000, 1000 + SHORTEST_MS), (1000 + SHORTEST_MS, 2020), (9000, 9000 + SHORTEST_MS))
    ]


def test_a_correction_is_shown_in_the_time_of_its_words() -> None:
    found = transcript(sentence("one two three four", 0, 1000), corrections=[corrected(1, 2, LONG)])
    cues = srt(found)
    assert " ".join(" ".join(it.lines) for it in cues) == f"one {LONG} four"
    assert [(it.start_ms, it.end_ms) for it in cues] == [(0, 2172), (2172, 4000)]


@pytest.mark.parametrize(
    "text",
    [
        "a --> b",
        "1 < 2 & 3 > 2",
        "<i>no</i> &amp;",
        "-->",
        "&lt;",
        "<v Bob>x",
        "{\\an8}up",
        "NOTE",
        "1",
        "#h",
    ],
)
def test_signs_that_mean_something_in_subtitles_are_read_back_as_they_were_said(text: str) -> None:
    found = transcript(sentence(text, 1000, 900))
    assert html.unescape(as_vtt(found).split("\n")[3]) == text
    assert as_srt(found).split("\n")[2] == text
    assert [it.lines for it in vtt(found)] == [[text]]


@pytest.mark.parametrize(
    "name",
    ["<b>Ada</b>", "Ada\n\n00:01.000 --> 00:02.000\nBob", "=cmd()", "&amp;", "a>b", "-->", "Ada " * 90, ".x"],
)
def test_a_name_with_marks_is_the_name_of_a_voice_and_nothing_else(name: str) -> None:
    found = transcript(
        sentence("Yes.", 0, 900), sentence("No.", 2000, 900), labels=[said_by(ME, 0, 1)], names={ME: name}
    )
    assert voices(found) == [" ".join(name.split())] * 2
    assert [it.lines for it in vtt(found)] == [["Yes."], ["No."]]
    lines = [it.lines for it in srt(found)]
    assert [line[-1][-4:] for line in lines] == ["Yes.", " No."]
    assert all(width(line) <= LINE_COLUMNS for cue in lines for line in cue)


@pytest.mark.parametrize("text", ["above\n\nbelow", "above\n\n2\n00:00:09,000 --> 00:00:10,000\nbelow"])
def test_a_blank_line_in_a_text_neither_ends_its_cue_nor_begins_another(text: str) -> None:
    found = transcript(Segment(1000, 2000, text), Segment(3000, 4000, "after"))
    for cues in srt(found), vtt(found):
        assert [(it.start_ms, it.end_ms) for it in cues] == [(1000, 2000), (3000, 4000)]


def test_no_subtitles_are_an_empty_file_or_a_header_alone() -> None:
    assert (as_srt(transcript()), as_vtt(transcript())) == ("", "WEBVTT\n")
    assert vtt(transcript()) == []
    assert (srt(transcript(Segment(0, 9, " ")))) == []


def test_a_word_longer_than_a_line_has_a_line_of_its_own() -> None:
    address = "https://example.org/" + "a" * 60
    found = transcript(sentence(f"It is {address} there.", 0, 1000), labels=[said_by(ME, 0, 9)])
    lines = [line for cue in srt(found) for line in cue.lines]
    assert address in lines
    assert all(len(line) <= LINE_COLUMNS for line in lines if line != address)


def test_chinese_breaks_between_characters_and_no_mark_begins_a_line() -> None:
    text = "今天天气很好，我们去公园散步吧。" * 6
    for found in (
        Segment(0, 20_000, text),
        Segment(0, 96_000, text, tuple(Word(n * 1000, (n + 1) * 1000, it, 0.9) for n, it in enumerate(text))),
    ):
        lines = [line for cue in srt(transcript(found)) for line in cue.lines]
        assert "".join(lines) == text
        assert max(map(width, lines)) <= LINE_COLUMNS
        assert not any(line[0] in "，。" for line in lines)


def test_japanese_brackets_stay_with_what_they_enclose_and_korean_breaks_at_spaces() -> None:
    japanese, korean = (
        "彼は「今日はいい天気ですね」と言いました。" * 3,
        "안녕하세요 오늘은 날씨가 정말 좋네요 " * 5,
    )
    lines = [
        line
        for it in (japanese, korean)
        for cue in srt(transcript(Segment(0, 9000, it)))
        for line in cue.lines
    ]
    assert not any(line.endswith("「") or line.startswith(("」", "。")) for line in lines)
    assert {word for line in lines for word in line.split() if word[0] > "\uac00"} == set(korean.split())


def test_text_from_right_to_left_keeps_its_order() -> None:
    text = "مرحبا، كيف حالك اليوم؟ أنا بخير، شكرا لك على السؤال. هل يمكننا أن نبدأ الآن؟"
    found = transcript(sentence(text), labels=[said_by(ME, 0, 99)], names={ME: "ليلى"})
    assert " ".join(line for cue in vtt(found) for line in cue.lines) == text
    assert voices(found)[0] == "ليلى"


def test_ffmpeg_reads_both_files_alike(tmp_path: Path) -> None:
    found = transcript(sentence(LONG, 1000), sentence("Fine & good.", 9000))
    (tmp_path / "a.srt").write_text(as_srt(found), "utf-8")
    (tmp_path / "a.vtt").write_text(as_vtt(found), "utf-8")
    read = ffmpeg(tmp_path / "a.vtt")
    assert ffmpeg(tmp_path / "a.srt") == [
        (start, length, html.unescape(text)) for start, length, text in read
    ]
    assert len(read) == 3


# What a model says: words, signs, long addresses, several scripts.
spoken = st.text("ab Z09.,'’-–>&<;#\"éß李。مح😀", min_size=1).map(lambda text: " ".join(text.split()) or "…")
names = st.text("Aé<>&:\n\"' 李م", max_size=50)


@st.composite
def calls(draw: st.DrawFn) -> Transcript:
    """Calls of two who may talk at once, with words and without, labelled or not."""
    segments: list[Segment] = []
    for _ in range(draw(st.integers(0, 8))):
        start, length = draw(st.integers(0, 60_000)), draw(st.integers(0, 9_000))
        segment = sentence(draw(spoken), start, draw(st.integers(0, 900)))
        segments.append(segment if draw(st.booleans()) else Segment(start, start + length, segment.text))
    first = st.integers(0, 30)
    labels = st.builds(
        lambda n, more, who: said_by(who, n, n + more, 0.8), first, first, st.sampled_from((ME, UNSURE))
    )
    return transcript(
        *sorted(segments, key=lambda it: it.start_ms),
        labels=draw(st.lists(labels, max_size=6)),
        names={ME: draw(names)},
    )


@given(calls())
def test_cues_follow_one_another_each_long_enough_to_be_seen(found: Transcript) -> None:
    for cues in srt(found), vtt(found):
        assert all(it.end_ms - it.start_ms >= SHORTEST_MS for it in cues)
        assert all(one.end_ms <= other.start_ms for one, other in pairwise(cues))


@given(calls())
def test_no_line_is_too_long_no_cue_has_a_third_line_and_no_word_is_parted_or_lost(found: Transcript) -> None:
    words = Counter(word for segment in found.segments for word in segment.text.split())
    shown: Counter[str] = Counter()
    for cue in vtt(found):
        assert 1 <= len(cue.lines) <= 2
        for line in cue.lines:
            assert width(line) <= LINE_COLUMNS or " " not in line
            shown.update(line.split())
    spaced = {word for word in words if not any(width(it) > 1 for it in word)}
    assert {word: words[word] for word in spaced} == {word: shown[word] for word in spaced}
    for cue in srt(found):
        assert 1 <= len(cue.lines) <= 2
        assert all(width(line) <= LINE_COLUMNS or len(line.split()) == 1 for line in cue.lines)


@given(st.lists(st.tuples(st.integers(SHORTEST_MS, 5000), st.integers(0, 5000)), max_size=8))
def test_cues_of_sentences_one_after_another_have_their_times(lengths: list[tuple[int, int]]) -> None:
    segments, now = [], 0
    for length, pause in lengths:
        segments.append(Segment(now + pause, now + pause + length, "This is it."))
        now += pause + length
    expected = [(it.start_ms, it.end_ms) for it in segments]
    assert [(it.start_ms, it.end_ms) for it in srt(transcript(*segments))] == expected
