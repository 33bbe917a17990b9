"""Transcripts as files: one table of formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

from archive.transcript import Segment, Transcript


def as_text(transcript: Transcript) -> str:
    """Write what was said, a line for each segment."""
    return "".join(f"{line(segment)}\n" for segment in transcript.segments)


def as_srt(transcript: Transcript) -> str:
    """Write subtitles in SubRip format."""
    cues = (
        f"{number}\n{_cue_times(segment, ',')}\n{line(segment)}\n"
        for number, segment in enumerate(transcript.segments, 1)
    )
    return "\n".join(cues)


def as_vtt(transcript: Transcript) -> str:
    """Write subtitles in WebVTT format (W3C); `&`, `<` and `>` have a meaning there."""
    cues = (f"{_cue_times(segment, '.')}\n{_escaped(line(segment))}\n" for segment in transcript.segments)
    return "\n".join(["WEBVTT\n", *cues])


def as_json(transcript: Transcript) -> str:
    """Write everything: segments, words, their times in seconds and what is known of the call."""
    return json.dumps(asdict(transcript), ensure_ascii=False, indent=2) + "\n"


FORMATS: dict[str, Callable[[Transcript], str]] = {
    "txt": as_text,
    "srt": as_srt,
    "vtt": as_vtt,
    "json": as_json,
}


def line(segment: Segment) -> str:
    """Return a segment's text as one line: a break would end a subtitle."""
    return " ".join(segment.text.split())


def _cue_times(segment: Segment, decimal_mark: str) -> str:
    return (
        f"{timestamp(segment.start_seconds, decimal_mark)} --> {timestamp(segment.end_seconds, decimal_mark)}"
    )


def timestamp(seconds: float, decimal_mark: str = ".") -> str:
    """Write a moment as HH:MM:SS and milliseconds."""
    milliseconds = round(seconds * 1000)
    minutes, milliseconds = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{milliseconds // 1000:02}{decimal_mark}{milliseconds % 1000:03}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
