"""What was said in a recording, as a person sees and changes it: passages, and names of speakers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from archive import transcript
from archive.passages import Passage, passages
from offhook.desk.cast import Cast
from offhook.desk.desk import Desk
from shared.errors import OffhookError
from shared.speakers import UNSURE
from shared.store.values import Record

_MOMENT = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)")


class NothingSaid(OffhookError):
    """The recording has no transcript with words that could be changed."""

    code = "nothing_said"


class NoSuchMoment(OffhookError):
    """Nothing is said there."""

    code = "no_such_moment"


@dataclass(frozen=True)
class Speech:
    """The passages of a recording in the order of their starts, and the names of its speakers."""

    record: Record
    passages: tuple[Passage, ...]
    names: Mapping[str, str]

    @property
    def speakers(self) -> list[str]:
        """Its speakers in the order in which they first speak; those that are unsure are not among them."""
        known = dict.fromkeys(passage.speaker for passage in self.passages)
        return [speaker for speaker in known if speaker and speaker != UNSURE]

    @property
    def words(self) -> int:
        """The number of its words."""
        return sum(len(passage.words) for passage in self.passages)

    @cached_property
    def cast(self) -> Cast:
        """Its speakers and their names."""
        return Cast(tuple(self.speakers), self.names)

    def name(self, speaker: str) -> str:
        """Return how a speaker is called."""
        return self.cast.name(speaker)

    def speaker_of(self, text: str) -> str | None:
        """Return the speaker that a person means by a name, or by `me`, `them` or `voice 2`."""
        return self.cast.speaker_of(text)

    def new_speaker(self, others: Iterable[str] = ()) -> str:
        """Return a speaker for somebody who is not in the recording yet, nor among the others."""
        return self.cast.new_speaker(others)

    def at(self, moment: str) -> Passage:
        """Return the passage at a moment, written as `show` writes it. Raises NoSuchMoment."""
        start_ms = milliseconds_of(moment)
        whole_second_ms = 0 if "." in moment else 999
        with_words = [passage for passage in self.passages if passage.words]
        for passage in with_words:
            if start_ms <= passage.start_ms <= start_ms + whole_second_ms:
                return passage
        spoken = [it for it in with_words if it.start_ms <= start_ms < it.end_ms]
        if not spoken:
            raise NoSuchMoment(f"Nothing is said at {moment} in recording {self.record.id}.")
        return spoken[-1]


def speech(desk: Desk, record_id: int) -> Speech:
    """Read what was said in a recording. Raises RecordNotFound, NothingSaid."""
    record = desk.store.records.get(record_id)
    found = transcript.load(desk.store, record, desk.settings.my_name)
    if not any(segment.words for segment in found.segments):
        raise NothingSaid(_why_nothing(record, bool(found.segments)))
    return Speech(record, passages(found), found.names)


def require_words(desk: Desk, record: Record) -> None:
    """Make sure that a recording has words that can be changed. Raises NothingSaid."""
    if not desk.store.parts.words(record.id):
        raise NothingSaid(_why_nothing(record, bool(desk.store.parts.count(record.id))))


def _why_nothing(record: Record, has_text: bool) -> str:
    if has_text:
        return (
            f"The words of recording {record.id} have no times, so nothing can be laid over them. "
            f"`offhook retry {record.id} --word-timestamps` finds them."
        )
    return f"Recording {record.id} has no transcript with words: it is {record.transcription_status}."


def milliseconds_of(moment: str) -> int:
    """Read a time such as 0:01:23 or 1:23.5. Raises NoSuchMoment."""
    found = _MOMENT.fullmatch(moment.strip())
    if found is None:
        raise NoSuchMoment(f"{moment} is not a time such as 0:01:23.")
    hours, minutes, seconds = found.groups()
    return round((int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)) * 1000)
