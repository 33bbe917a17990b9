"""What was said in a recording, as a person sees and changes it: passages, and names of speakers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archive import transcript
from archive.passages import Passage, name_of, passages
from offhook.desk.desk import Desk
from shared.errors import OffhookError
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

    def name(self, speaker: str) -> str:
        """Return how a speaker is called."""
        return name_of(speaker, self.names)

    def speaker_of(self, text: str) -> str | None:
        """Return the speaker that a person means by a name, or by `me`, `them` or `voice 2`."""
        wanted = " ".join(text.split()).casefold()
        known = dict.fromkeys((*self.speakers, *self.names, UNSURE))
        named = [each for each in known if self.name(each).casefold() == wanted]
        if named:
            return named[0]
        return wanted if is_speaker(wanted) else None

    def new_speaker(self, others: Iterable[str] = ()) -> str:
        """Return a speaker for somebody who is not in the recording yet, nor among the others."""
        taken = {*self.speakers, *self.names, *others}
        is_call = any(each == ME or each.startswith(THEM) for each in self.speakers)
        numbers = range(2 if is_call else 1, len(taken) + 3)
        return next(each for n in numbers if (each := (far_voice if is_call else voice)(n)) not in taken)

    def at(self, moment: str) -> Passage:
        """Return the passage at a moment, written as `show` writes it. Raises NoSuchMoment."""
        start_ms = _milliseconds(moment)
        whole_second_ms = 0 if "." in moment else 999
        with_words = [passage for passage in self.passages if passage.words]
        for passage in with_words:
            if start_ms <= passage.start_ms <= start_ms + whole_second_ms:
                return passage
        spoken = [it for it in with_words if it.start_ms <= start_ms < it.end_ms]
        if not spoken:
            raise NoSuchMoment(f"Nothing is said at {moment} in recording {self.record.id}.")
        return spoken[-1]


def is_speaker(text: str) -> bool:
    """Whether a text is a speaker as offhook calls them, such as `me` or `voice 2`, and not a name."""
    return bool(_SPEAKER.fullmatch(text.casefold()))


def speech(desk: Desk, record_id: int) -> Speech:
    """Read what was said in a recording. Raises RecordNotFound, NothingSaid."""
    record = desk.store.records.get(record_id)
    found = transcript.load(desk.store, record, desk.settings.my_name)
    if not any(segment.words for segment in found.segments):
        raise NothingSaid(_why_nothing(record, bool(found.segments)))
    return Speech(record, passages(found), found.names)


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
