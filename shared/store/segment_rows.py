"""Segments as the rows of their table: damaged columns count as nothing, and `offhook doctor` names them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from typing import Any

from shared.store import stored_json, words_index
from shared.store.database import Row
from shared.words import Segment, Word, milliseconds, numbered, seconds

#: Numbers of words are smaller, also after a segment that is damaged.
LARGEST_WORD = 2**62
#: Of a time in a recording: a century. A larger one is damaged.
LAST_SECONDS = 3e9


def rows_of(record_id: int, segments: Iterable[Segment]) -> Iterator[Row]:
    """Yield the rows of a whole transcript."""
    for segment in numbered(segments):
        yield {
            "record": record_id,
            "start_seconds": seconds(segment.start_ms),
            "end_seconds": seconds(segment.end_ms),
            "text": segment.text,
            "search_text": words_index.index_text(segment.text),
            "first_word": segment.first_word,
            "channel": segment.channel,
            "average_log_probability": segment.average_log_probability,
            "no_speech_probability": segment.no_speech_probability,
            "compression_ratio": segment.compression_ratio,
            "words": _words_as_text(segment.words),
            "doubts": json.dumps(segment.doubts) if segment.doubts else None,
        }


def segment_of(row: Row) -> Segment:
    """Return the segment of a row."""
    return Segment(
        time_ms_of(row, "start_seconds"),
        time_ms_of(row, "end_seconds"),
        row["text"],
        _words(row["words"]),
        number_or_none(row, "average_log_probability"),
        number_or_none(row, "no_speech_probability"),
        number_or_none(row, "compression_ratio"),
        tuple(str(doubt) for doubt in _list(row["doubts"])),
        _first_word(row),
        channel_of(row),
    )


def number(row: Row, name: str) -> float:
    """Return a number of a row; a damaged one counts as 0."""
    return number_or_none(row, name) or 0.0


def number_or_none(row: Row, name: str) -> float | None:
    """Return a number of a row, None for NULL or a damaged one."""
    found = row[name]
    return found if isinstance(found, int | float) and math.isfinite(found) else None


def _first_word(row: Row) -> int:
    """Return the number of a segment's first word; one that no record has counts as 0."""
    found = number(row, "first_word")
    return round(found) if abs(found) < LARGEST_WORD else 0


def time_ms_of(row: Row, name: str) -> int:
    """Return a time of a row in milliseconds; a damaged one counts as 0."""
    found = number(row, name)
    return milliseconds(found) if abs(found) < LAST_SECONDS else 0


def channel_of(row: Row) -> int | None:
    """Return the channel of a row; None if it has none."""
    found = row["channel"]
    return found if type(found) is int else None


def _words(text: str | None) -> tuple[Word, ...]:
    """Read words; if one of them is damaged, the segment has none."""
    try:
        return tuple(Word.from_json(word) for word in _list(text))
    except (OverflowError, ValueError):
        return ()


def _words_as_text(words: Iterable[Word]) -> str | None:
    """Write words in a short form, as there are millions of them: `[[start, end, text, probability], …]`, in
    seconds.
    """
    rows = [[seconds(it.start_ms), seconds(it.end_ms), it.text, it.probability] for it in words]
    return json.dumps(rows, ensure_ascii=False) if rows else None


def _list(text: str | None) -> list[Any]:
    """Read a list from JSON; a damaged one counts as empty, and `offhook doctor` names it."""
    try:
        found: list[Any] = stored_json.read(text or "[]", list)
    except ValueError:
        return []
    return found
