"""The text of a running call as a terminal shows it: what is final, what is provisional, and who says it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, cycle
from typing import Any

from rich.text import Text

from archive.formats.times import moment
from archive.passages import name_of, plain
from offhook.commands.drawing import wrapped
from offhook.commands.wording import SPEAKER_COLOURS
from offhook.desk.live_calls import in_words
from shared.plain_text import one_line
from shared.store.live import FOLLOWING, OFF

#: More than any terminal shows.
MOST_WORDS = 4000
PROVISIONAL = "dim"


@dataclass(frozen=True)
class Spoken:
    """A word, who says it (None while nobody knows), and whether it may still change."""

    start_ms: int
    text: str
    speaker: str | None
    is_final: bool


class LiveText:
    """The last words of a call. `names` are those of its speakers, `live` how its transcription goes."""

    def __init__(self, names: Mapping[str, str], live: Mapping[str, Any] | None = None) -> None:
        self._names, self._live = names, live
        self._final: deque[Spoken] = deque(maxlen=MOST_WORDS)
        self._provisional: list[Spoken] = []
        self._colours: dict[str, str] = {}
        self._next_colour = cycle(SPEAKER_COLOURS)
        self._wrapped: dict[
            tuple[int, int], list[Text]
        ] = {}  # by width and height, until there are new words

    def take(self, event: Mapping[str, Any]) -> None:
        """Add the words of an event."""
        self._final.extend(_words(event["final"], is_final=True))
        self._provisional = _words(event["provisional"], is_final=False)
        self._live = event["live"] or self._live
        self._wrapped.clear()

    @property
    def remark(self) -> str | None:
        """What there is to mind, such as by how much it is behind; None if it goes well."""
        return in_words(self._live) if self._live else None

    @property
    def gave_up(self) -> str | None:
        """Why the call is not transcribed live; None if it is."""
        return self.remark if self._live and self._live["state"] == OFF else None

    @property
    def is_unknown(self) -> bool:
        """Whether nobody has begun to transcribe the call."""
        return self._live is None

    @property
    def is_followed(self) -> bool:
        """Whether more words are to be expected."""
        return self._live is not None and self._live["state"] == FOLLOWING

    def last_lines(self, width: int, height: int) -> list[Text]:
        """Return the end of the text: lines of `width` columns, `height` at most."""
        if height <= 0:
            return []
        if (width, height) not in self._wrapped:
            turns = _turns(self._last_words(2 * width * height))
            found = [line for turn in turns for line in wrapped(self._paragraph(turn), width)]
            self._wrapped[width, height] = found[-height:]
        return self._wrapped[width, height]

    def lines(self, event: Mapping[str, Any]) -> list[str]:
        """Return the final words of an event as lines, one for each turn."""
        return [self._line(turn) for turn in _turns(_words(event["final"], is_final=True))]

    def _line(self, turn: list[Spoken]) -> str:
        name, said = self._name(turn), plain("".join(word.text for word in turn))
        return f"[{moment(turn[0].start_ms)}] {f'{name}: ' if name else ''}{said}"

    def _last_words(self, characters: int) -> list[Spoken]:
        """Return the last words that have so many characters together."""
        found: list[Spoken] = []
        for word in chain(reversed(self._provisional), reversed(self._final)):
            if characters <= 0:
                break
            found.append(word)
            characters -= len(word.text)
        return found[::-1]

    def _paragraph(self, turn: list[Spoken]) -> Text:
        name, found = self._name(turn), Text(overflow="fold")
        if name:
            found.append(f"{name}: ", self._colour(name))
        for number, word in enumerate(turn):
            said = one_line(word.text)
            found.append(said if number else said.lstrip(), "" if word.is_final else PROVISIONAL)
        return found

    def _name(self, turn: list[Spoken]) -> str | None:
        speaker = next((word.speaker for word in turn if word.speaker), None)
        return name_of(speaker, self._names) if speaker else None

    def _colour(self, name: str) -> str:
        if name not in self._colours:
            self._colours[name] = next(self._next_colour)
        return self._colours[name]


def _words(found: Iterable[list[Any]], *, is_final: bool) -> list[Spoken]:
    return [Spoken(start_ms, text, speaker, is_final) for start_ms, _, text, speaker in found]


def _turns(words: Iterable[Spoken]) -> Iterator[list[Spoken]]:
    """Part words where the speaker changes; a word of nobody known belongs to the turn before it."""
    turn: list[Spoken] = []
    speaker: str | None = None
    for word in words:
        if turn and word.speaker and speaker and word.speaker != speaker:
            yield turn
            turn = []
        turn.append(word)
        speaker = word.speaker or speaker
    if turn:
        yield turn
