"""Words and segments of a transcript: the values that processes exchange and the database keeps.

Times are whole milliseconds from the start of the recording. A word is identified by its record and its
number, which is its position in the record's transcript, from 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

MS_PER_SECOND = 1000
#: Flags of a recording whose words were not found as one would wish: its hotwords and prompt are longer than
#: the model reads, or another language than its own was heard in parts of it.
PROMPT_CUT, LANGUAGE_CHANGES = FLAGS_OF_WORDS = ("prompt_cut", "language_changes")


@dataclass(frozen=True, slots=True)
class Word:
    """A word as the model wrote it, with the space before it; `probability` is in [0, 1]."""

    start_ms: int
    end_ms: int
    text: str
    probability: float

    def as_json(self) -> dict[str, Any]:
        """Return the word as an object for JSON."""
        return {
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "text": self.text,
            "probability": self.probability,
        }

    @classmethod
    def from_json(cls, found: object) -> Word:
        """Read a word from JSON, also from its older form `[start_seconds, end_seconds, text, probability]`.

        Passes over unknown fields; an unknown probability is 0. Raises ValueError.
        """
        if isinstance(found, list):
            if _is_stored_word(found):
                start, end, text, probability = found
                return cls(milliseconds(start), milliseconds(end), text, probability)
            found = dict(zip(("start_seconds", "end_seconds", "text", "probability"), found, strict=False))
        fields = _object(found, "word")
        return cls(
            _time_ms(fields, "start"),
            _time_ms(fields, "end"),
            _text(fields, "text"),
            _number_or_none(fields, "probability") or 0.0,
        )


@dataclass(frozen=True, slots=True)
class Segment:
    """A sentence or so of a transcript; `text` has no space around it.

    `words` is empty if their times were not asked for. `first_word` is the number of its first word in the
    record's transcript; None while the segment is in no transcript. `doubts` are reasons not to rely on it.
    `channel` is the one it was heard on: 0 left or microphone, 1 right or far side; None if there is one.
    """

    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()
    average_log_probability: float | None = None
    no_speech_probability: float | None = None  # in [0, 1]
    compression_ratio: float | None = None
    doubts: tuple[str, ...] = ()
    first_word: int | None = None
    channel: int | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the segment as an object for JSON."""
        return {
            "start_ms": self.start_ms,
            "end_ms": self.end_ms,
            "text": self.text,
            "words": [word.as_json() for word in self.words],
            "average_log_probability": self.average_log_probability,
            "no_speech_probability": self.no_speech_probability,
            "compression_ratio": self.compression_ratio,
            "doubts": list(self.doubts),
            "first_word": self.first_word,
            "channel": self.channel,
        }

    @classmethod
    def from_json(cls, found: object) -> Segment:
        """Read a segment from JSON, also from its older form with `start_seconds` and `end_seconds`.

        Passes over unknown fields; what is missing but the times and the text is unknown. Raises ValueError.
        """
        fields = _object(found, "segment")
        first_word, channel = fields.get("first_word"), fields.get("channel")
        return cls(
            _time_ms(fields, "start"),
            _time_ms(fields, "end"),
            _text(fields, "text"),
            tuple(Word.from_json(word) for word in _list(fields, "words")),
            _number_or_none(fields, "average_log_probability"),
            _number_or_none(fields, "no_speech_probability"),
            _number_or_none(fields, "compression_ratio"),
            tuple(str(doubt) for doubt in _list(fields, "doubts")),
            first_word if type(first_word) is int else None,
            channel if type(channel) is int else None,
        )


def segments_as_json(segments: Iterable[Segment]) -> str:
    """Write segments as a JSON list."""
    return json.dumps([segment.as_json() for segment in segments], ensure_ascii=False)


def segments_from_json(text: str) -> tuple[Segment, ...]:
    """Read segments from a JSON list, in the present form or the older one. Raises ValueError."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("The segments are nested too deeply.") from None
    if not isinstance(found, list):
        raise ValueError("The segments are not a list.")
    return tuple(Segment.from_json(segment) for segment in found)


def numbered(segments: Iterable[Segment], begin: int = 0) -> tuple[Segment, ...]:
    """Return segments in a row, each with the number of its first word; the first one has `begin`."""
    found: list[Segment] = []
    words = begin
    for segment in segments:
        found.append(replace(segment, first_word=words))
        words += len(segment.words)
    return tuple(found)


def seconds(milliseconds: int) -> float:
    """Return a time in seconds, exact to the millisecond."""
    return milliseconds / MS_PER_SECOND


def milliseconds(seconds: float) -> int:
    """Return a time in milliseconds, rounded."""
    return round(seconds * MS_PER_SECOND)


def _is_stored_word(found: list[Any]) -> bool:
    """Whether a list is a word as the database stores it; there are 80,000 of them in a day's calls."""
    kinds = [type(it) for it in found]
    return kinds == [float, float, str, float] and math.isfinite(found[0] + found[1] + found[3])


def _object(found: object, what: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise ValueError(f"A {what} must be an object, not {type(found).__name__}.")
    return found


def _time_ms(fields: Mapping[str, Any], side: str) -> int:
    if f"{side}_ms" in fields:
        return round(_number(fields, f"{side}_ms"))
    return milliseconds(_number(fields, f"{side}_seconds"))


def _number(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, not {value!r}.")
    return value


def _number_or_none(fields: Mapping[str, Any], name: str) -> float | None:
    """Return a number that may be missing; the mean of no tokens is NaN, and it is unknown as well."""
    value = fields.get(name)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return _number(fields, name)


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text, not {value!r}.")
    return value


def _list(fields: Mapping[str, Any], name: str) -> Sequence[object]:
    value = fields.get(name) or []
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list, not {value!r}.")
    return value
