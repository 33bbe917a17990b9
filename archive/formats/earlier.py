"""Transcripts as offhook wrote them before it knew speakers, to find files that a person has renamed."""

from __future__ import annotations

import json
from collections.abc import Callable

from archive.formats.times import timestamp
from archive.passages import plain
from archive.transcript import Transcript
from shared.words import Segment, Word, seconds


def _text(transcript: Transcript) -> str:
    return "".join(f"{plain(segment.text)}\n" for segment in transcript.segments)


def _srt(transcript: Transcript) -> str:
    return "\n".join(
        f"{number}\n{_cue_times(segment, ',')}\n{plain(segment.text)}\n"
        for number, segment in enumerate(transcript.segments, 1)
    )


def _vtt(transcript: Transcript) -> str:
    cues = (
        f"{_cue_times(segment, '.')}\n{_escaped(plain(segment.text))}\n" for segment in transcript.segments
    )
    return "\n".join(["WEBVTT\n", *cues])


def _json(transcript: Transcript) -> str:
    found = {
        "version": 1,
        "record_id": transcript.record_id,
        "title": transcript.title,
        "duration_seconds": transcript.duration_seconds,
        "language": transcript.language,
        "language_probability": transcript.language_probability,
        "model": transcript.model,
        "flags": transcript.flags,
        "segments": [
            {
                **_times(segment),
                "text": segment.text,
                "words": [
                    {**_times(word), "text": word.text, "probability": word.probability}
                    for word in segment.words
                ],
                "doubts": segment.doubts,
            }
            for segment in transcript.segments
        ],
    }
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


EARLIER: dict[str, Callable[[Transcript], str]] = {"txt": _text, "srt": _srt, "vtt": _vtt, "json": _json}


def _times(it: Segment | Word) -> dict[str, float]:
    return {"start_seconds": seconds(it.start_ms), "end_seconds": seconds(it.end_ms)}


def _cue_times(segment: Segment, decimal_mark: str) -> str:
    return f"{timestamp(segment.start_ms, decimal_mark)} --> {timestamp(segment.end_ms, decimal_mark)}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
