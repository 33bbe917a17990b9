"""Transcripts in the shapes of OpenAI's audio API. https://platform.openai.com/docs/api-reference/audio"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from archive.exports import FORMATS
from archive.passages import Passage, by_segment, text_of
from archive.transcript import Transcript
from shared.words import Segment, seconds

WORD, SEGMENT = GRANULARITIES = ("word", "segment")
VERBOSE = "verbose_json"
RESPONSE_FORMATS = ("json", "text", "srt", VERBOSE, "vtt")


def answer(transcript: Transcript, form: str, granularities: Collection[str]) -> Response:
    """Return a transcript in one of RESPONSE_FORMATS; granularities are of `verbose_json`."""
    if form == "json":
        return JSONResponse({"text": _text(transcript), "usage": _usage(transcript)})
    if form == VERBOSE:
        return JSONResponse(_verbose(transcript, granularities))
    if form == "text":
        return PlainTextResponse(f"{_text(transcript)}\n")
    write = FORMATS[form].text
    assert write
    return PlainTextResponse(write(transcript))


def _verbose(transcript: Transcript, granularities: Collection[str]) -> dict[str, Any]:
    found = list(by_segment(transcript))
    verbose: dict[str, Any] = {
        "task": "transcribe",
        "language": transcript.language or "",
        "duration": transcript.duration_seconds or 0.0,
        "text": _text(transcript),
        "usage": _usage(transcript),
    }
    if WORD in granularities:
        verbose["words"] = [word for _, passages in found for it in passages for word in _words(it)]
    if SEGMENT in granularities or not granularities:
        verbose["segments"] = [
            _segment(place, transcript.segments[place], passages) for place, passages in found
        ]
    return verbose


def _text(transcript: Transcript) -> str:
    return " ".join(text_of(transcript).split("\n"))


def _usage(transcript: Transcript) -> dict[str, Any]:
    return {"type": "duration", "seconds": round(transcript.duration_seconds or 0.0)}


def _segment(place: int, segment: Segment, passages: tuple[Passage, ...]) -> dict[str, Any]:
    """Describe a segment as persons have corrected it; what a stored transcript does not have is 0."""
    return {
        "id": place,
        "seek": 0,
        "start": seconds(segment.start_ms),
        "end": seconds(segment.end_ms),
        "text": " ".join(it.line for it in passages if it.line),
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": segment.average_log_probability or 0.0,
        "compression_ratio": segment.compression_ratio or 0.0,
        "no_speech_prob": segment.no_speech_probability or 0.0,
    }


def _words(passage: Passage) -> list[dict[str, Any]]:
    """Describe the words of a passage; one without their times has none."""
    return [
        {"word": text, "start": seconds(it.start_ms), "end": seconds(it.end_ms)}
        for it in passage.tokens
        if it.last_word >= it.first_word and (text := it.text.strip())
    ]
