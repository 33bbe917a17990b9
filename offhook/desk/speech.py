"""What was said in a recording, as a person sees and changes it: lines of one speaker each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from archive.names import names_of
from archive.passages import name_of
from offhook.desk.desk import Desk
from shared.errors import OffhookError
from shared.reading import Token, read
from shared.speakers import ME, THEM, UNSURE, far_voice, voice
from shared.store.values import Record

_SPEAKER = re.compile(rf"{ME}|{THEM}|{UNSURE}|(?:{THEM}|voice) [1-9]\d{{0,3}}")
_MOMENT = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)")


class NothingSaid(OffhookError):
    """The recording has no transcript with words that could be changed."""

    code = "nothing_said"


class UnknownSpeaker(OffhookError):
    """The recording has no such speaker."""

    code = "unknown_speaker"


class NoSuchMoment(OffhookError):
    """Nothing is said there."""

    code = "no_such_moment"


@dataclass(frozen=True)
class Line:
    """What one speaker says in a segment. `speaker` is None if nothing says who it is."""

    tokens: tuple[Token, ...]

    @property
    def speaker(self) -> str | None:
        """Who says it."""
        return self.tokens[0].speaker

    @property
    def start_ms(self) -> int:
        """When it begins."""
        return self.tokens[0].start_ms

    @property
    def end_ms(self) -> int:
        """When it ends."""
        return max(token.end_ms for token in self.tokens)

    @property
    def text(self) -> str:
        """Its text as one line."""
        return " ".join("".join(token.text for token in self.tokens).split())

    @property
    def first_word(self) -> int:
        """The number of its first word."""
        return self.tokens[0].first_word

    @property
    def last_word(self) -> int:
        """The last word; before the first one if there are no words."""
        return self.tokens[-1].last_word


@dataclass(frozen=True)
class Speech:
    """The lines of a recording in the order of their starts, and the names of its speakers."""

    record: Record
    lines: tuple[Line, ...]
    names: Mapping[str, str]

    @property
    def speakers(self) -> list[str]:
        """Its speakers in the order in which they first speak; those that are unsure are not among them."""
        known = dict.fromkeys(line.speaker for line in self.lines)
        return [speaker for speaker in known if speaker and speaker != UNSURE]

    @property
    def words(self) -> int:
        """The number of its words."""
        return max((line.last_word + 1 for line in self.lines), default=0)

    def name(self, speaker: str) -> str:
        """Return how a speaker is called."""
        return name_of(speaker, self.names)

    def speaker_of(self, text: str) -> str | None:
        """Return the speaker that a person means by a name, or by `me`, `them` or `voice 2`."""
        wanted = " ".join(text.split()).casefold()
        named = [each for each in self.speakers if self.name(each).casefold() == wanted]
        if named:
            return named[0]
        return wanted if is_speaker(wanted) else None

    def new_speaker(self) -> str:
        """Return a speaker for somebody who is not in the recording yet."""
        taken = {*self.speakers, *self.names}
        is_call = any(each == ME or each.startswith(THEM) for each in self.speakers)
        numbers = range(2 if is_call else 1, len(taken) + 3)
        return next(each for n in numbers if (each := (far_voice if is_call else voice)(n)) not in taken)

    def at(self, moment: str) -> Line:
        """Return the line at a moment, written as `show` writes it. Raises NoSuchMoment."""
        start_ms = _milliseconds(moment)
        whole_second_ms = 0 if "." in moment else 999
        for line in self.lines:
            if start_ms <= line.start_ms <= start_ms + whole_second_ms:
                return line
        spoken = [line for line in self.lines if line.start_ms <= start_ms < line.end_ms]
        if not spoken:
            raise NoSuchMoment(f"Nothing is said at {moment} in recording {self.record.id}.")
        return spoken[-1]


def is_speaker(text: str) -> bool:
    """Whether a text is a speaker as offhook calls them, such as `me` or `voice 2`, and not a name."""
    return bool(_SPEAKER.fullmatch(text.casefold()))


def speech(desk: Desk, record_id: int) -> Speech:
    """Read what was said in a recording. Raises RecordNotFound, NothingSaid."""
    record = desk.store.records.get(record_id)
    overlays = desk.store.overlays
    segments = desk.store.transcripts.segments(record_id)
    if not any(segment.words for segment in segments):
        raise NothingSaid(_why_nothing(record, bool(segments)))
    tokens = read(segments, overlays.labels(record_id), overlays.corrections(record_id))
    return Speech(record, lines_of(tokens), names_of(desk.store, record, desk.settings.my_name))


def lines_of(tokens: Sequence[Token]) -> tuple[Line, ...]:
    """Return lines of one segment and one speaker each, in the order of their starts."""
    groups = groupby(tokens, key=lambda token: (token.segment, token.speaker))
    return tuple(sorted((Line(tuple(some)) for _, some in groups), key=lambda line: line.start_ms))


def _why_nothing(record: Record, has_text: bool) -> str:
    if has_text:
        return (
            f"The words of recording {record.id} have no times, so nothing can be laid over them. "
            f"`offhook retry {record.id} --word-timestamps` finds them."
        )
    return f"Recording {record.id} has no transcript with words: it is {record.transcription_status}."


def _milliseconds(moment: str) -> int:
    found = _MOMENT.fullmatch(moment.strip())
    if found is None:
        raise NoSuchMoment(f"{moment} is not a time such as 0:01:23.")
    hours, minutes, seconds = found.groups()
    return round((int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)) * 1000)
