"""The speakers of a recording and how they are called: what a name that a person types means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from archive.names import names_of
from archive.passages import name_of
from offhook.desk.desk import Desk
from shared.errors import OffhookError
from shared.speakers import ME, THEM, UNSURE, far_voice, known_in_order, voice
from shared.store.values import Record

_SPEAKER = re.compile(rf"{ME}|{THEM}|{UNSURE}|(?:{THEM}|voice) [1-9]\d{{0,3}}")


class UnknownSpeaker(OffhookError):
    """The recording has no such speaker."""

    code = "unknown_speaker"


@dataclass(frozen=True)
class Cast:
    """The speakers of a recording, without those that are unsure, and the names that are known."""

    speakers: Sequence[str]
    names: Mapping[str, str]

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

    def known_speaker(self, record_id: int, text: str) -> str:
        """Return the speaker that a person means. Raises UnknownSpeaker, which names those that there are."""
        speaker = self.speaker_of(text)
        if speaker is None or speaker not in {*self.speakers, *self.names}:
            there = ", ".join(map(self.name, self.speakers)) or "nobody"
            raise UnknownSpeaker(f"Recording {record_id} has no speaker {text}. Its speakers: {there}.")
        return speaker

    def new_speaker(self, others: Iterable[str] = ()) -> str:
        """Return a speaker for somebody who is not in the recording yet, nor among the others."""
        taken = {*self.speakers, *self.names, *others}
        is_call = any(each == ME or each.startswith(THEM) for each in self.speakers)
        numbers = range(2 if is_call else 1, len(taken) + 3)
        return next(each for n in numbers if (each := (far_voice if is_call else voice)(n)) not in taken)


def cast_of(desk: Desk, record: Record) -> Cast:
    """Return the speakers of a recording, oneself first, without reading its words."""
    found = desk.store.overlays.speakers_of([record.id])[record.id]
    return Cast(known_in_order(found), names_of(desk.store, record, desk.settings.my_name))


def give(desk: Desk, record_id: int, cast: Cast, words: tuple[int, int], who: str) -> str:
    """Say who said some words, and return that speaker; a new name is a new speaker. Call it in a change."""
    known = cast.speaker_of(who)
    speaker = known or cast.new_speaker()
    if known is None:
        desk.store.overlays.rename(record_id, speaker, " ".join(who.split()))
    desk.store.overlays.assign(record_id, *words, speaker)
    return speaker


def is_speaker(text: str) -> bool:
    """Whether a text is a speaker as offhook calls them, such as `me` or `voice 2`, and not a name."""
    return bool(_SPEAKER.fullmatch(text.casefold()))
