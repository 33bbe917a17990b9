"""Transcripts as files: one table of formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from archive.transcript import Transcript
from shared.plain_text import one_line
from shared.words import Segment, Word, seconds

#: Version of the JSON export; raise it when a key is removed, renamed or given another type.
JSON_VERSION = 1


def as_text(transcript: Transcript) -> str:
    """Write the text, one line for each segment."""
    return "".join(f"{line(segment)}\n" for segment in transcript.segments)


def as_srt(transcript: Transcript) -> str:
    """Write subtitles in SubRip format."""
    cues = (
        f"{number}\n{_cue_times(segment, ',')}\n{line(segment)}\n"
        for number, segment in enumerate(transcript.segments, 1)
    )
    return "\n".join(cues)


def as_vtt(transcript: Transcript) -> str:
    """Write subtitles in WebVTT format (W3C), which reserves `&`, `<` and `>`."""
    cues = (f"{_cue_times(segment, '.')}\n{_escaped(line(segment))}\n" for segment in transcript.segments)
    return "\n".join(["WEBVTT\n", *cues])


def as_json(transcript: Transcript) -> str:
    """Write the segments and their words, with times in seconds, and the facts of the call."""
    found = {
        "version": JSON_VERSION,
        "record_id": transcript.record_id,
        "title": transcript.title,
        "duration_seconds": transcript.duration_seconds,
        "language": transcript.language,
        "language_probability": transcript.language_probability,
        "model": transcript.model,
        "flags": transcript.flags,
        "segments": segments_in_json(transcript),
    }
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


FORMATS: dict[str, Callable[[Transcript], str]] = {
    "txt": as_text,
    "srt": as_srt,
    "vtt": as_vtt,
    "json": as_json,
}


def segments_in_json(transcript: Transcript) -> list[dict[str, Any]]:
    """Return the segments with the keys that docs/json.md promises."""
    return [
        {
            **_times(segment),
            "text": segment.text,
            "words": [_word(word) for word in segment.words],
            "doubts": segment.doubts,
        }
        for segment in transcript.segments
    ]


def line(segment: Segment) -> str:
    """Return a segment's text as one line without control characters, which would end a subtitle."""
    return " ".join(one_line(segment.text).split())


def timestamp(milliseconds: int, decimal_mark: str = ".") -> str:
    """Write a time as HH:MM:SS and milliseconds."""
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{decimal_mark}{milliseconds % 1000:03}"


def _word(word: Word) -> dict[str, Any]:
    return {**_times(word), "text": word.text, "probability": word.probability}


def _times(it: Segment | Word) -> dict[str, float]:
    return {"start_seconds": seconds(it.start_ms), "end_seconds": seconds(it.end_ms)}


def _cue_times(segment: Segment, decimal_mark: str) -> str:
    return f"{timestamp(segment.start_ms, decimal_mark)} --> {timestamp(segment.end_ms, decimal_mark)}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
