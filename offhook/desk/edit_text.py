"""A transcript as a text to edit: a line for each passage, with its time and its speaker as a mark. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby

from archive.formats.times import moment, timestamp
from archive.passages import Passage, name_of, plain
from offhook.desk.rewording import Rewording, reworded, shown
from offhook.desk.speech import Speech
from shared.errors import OffhookError
from shared.store.placing import CORRECTION, Unplaced

NOBODY = "?"
_MARK = re.compile(r"\[(\d{2,}:\d\d:\d\d\.\d{3}(?:-\d+)?)\]\s*(.*)")
_VERSION = re.compile(r"#\s*Version ([0-9a-f]{16})")
_HELP = """\
# Correct the words, or the name before the colon. Leave the times in brackets as they are.
# Two speakers in one line: write a second line with the same time and the other name.
# Words that nobody said: delete them. The mark of their line stays.
# Lines that begin with # are passed over."""


class Unreadable(OffhookError):
    """The edited text cannot be read."""

    code = "unreadable_edit"

    def __init__(self, line_number: int, why: str) -> None:
        super().__init__(f"Line {line_number}: {why}")


@dataclass(frozen=True)
class Given:
    """Words that are given to a speaker, by the name in the text."""

    first_word: int
    last_word: int
    name: str


@dataclass(frozen=True)
class Edited:
    """What a person changed in a text."""

    rewordings: tuple[Rewording, ...]
    given: tuple[Given, ...]


@dataclass(frozen=True)
class _Line:
    number: int
    mark: str
    said: str  # the name, a colon and the text


def text_of(speech: Speech, unplaced: Iterable[Unplaced] = ()) -> str:
    """Return a recording as a text to edit."""
    title = plain(speech.record.title)
    lost = "".join(f"{line}\n" for line in _unplaced(unplaced, speech.names))
    head = f"# Recording {speech.record.id}: {title}\n# Version {version(speech)}"
    return f"{head}\n{_HELP}\n{lost}\n{body_of(speech)}"


def body_of(speech: Speech) -> str:
    """Return the lines of the passages alone."""
    return "".join(
        f"[{mark}] {_name(speech, passage)}: {_said(passage)}".rstrip() + "\n"
        for mark, passage in _marked(speech)
    )


def version_of(text: str) -> str | None:
    """Return which transcript a text was made of; None if it does not say so."""
    found = next((match for line in text.splitlines() if (match := _VERSION.match(line))), None)
    return found[1] if found else None


def version(speech: Speech) -> str:
    """Return what tells this transcript, as it is read now, from any other."""
    return sha256(body_of(speech).encode()).hexdigest()[:16]


def read(text: str, speech: Speech) -> Edited:
    """Read an edited text. Raises Unreadable, with the number of the line."""
    passages = dict(_marked(speech))
    lines = list(_lines(text))
    groups = [(mark, list(some)) for mark, some in groupby(lines, key=lambda line: line.mark)]
    _check_marks(list(passages), groups)
    rewordings: list[Rewording] = []
    given: list[Given] = []
    for mark, some in groups:
        found = _edited(speech, passages[mark], some)
        rewordings += found.rewordings
        given += found.given
    return Edited(tuple(rewordings), tuple(given))


def _edited(speech: Speech, passage: Passage, lines: Sequence[_Line]) -> Edited:
    """Compare a passage with its lines."""
    before = _name(speech, passage)
    names, parts = zip(*(_parted(line, before, speech) for line in lines), strict=True)
    if len(lines) == 1 and plain(parts[0]) == _said(passage):
        rewordings: tuple[Rewording, ...] = ()
        begins: tuple[int, ...] = (0,)
    else:
        found = reworded(passage.tokens, parts)
        rewordings, begins = found.rewordings, found.begins
    ends = (*begins[1:], len(passage.tokens))
    given = []
    for line, name, begin, end in zip(lines, names, begins, ends, strict=True):
        if begin >= end:
            raise Unreadable(line.number, "none of the words of its passage are in it.")
        if name != before:
            given.append(Given(passage.tokens[begin].first_word, passage.tokens[end - 1].last_word, name))
    return Edited(rewordings, tuple(given))


def _parted(line: _Line, before: str, speech: Speech) -> tuple[str, str]:
    """Part a line at the colon after its name. Raises Unreadable."""
    known = sorted({before, *map(speech.name, speech.speakers)}, key=len, reverse=True)
    for name in known:
        if line.said.startswith(f"{name}:"):
            return name, line.said[len(name) + 1 :]
    name, colon, text = line.said.partition(":")
    if not colon:
        raise Unreadable(line.number, f'there is no name with a colon, such as "{before}:".')
    if not plain(name) or plain(name) == NOBODY:
        raise Unreadable(line.number, "there is no name before the colon.")
    return plain(name), text


def _lines(text: str) -> Iterator[_Line]:
    """Yield the lines with marks. Raises Unreadable for any other line that is not empty or a comment."""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _MARK.match(line.strip())
        if found is None:
            raise Unreadable(number, "it does not begin with a time in brackets, as each line did.")
        yield _Line(number, found[1], found[2])


def _check_marks(expected: Sequence[str], groups: Sequence[tuple[str, Sequence[_Line]]]) -> None:
    """Make sure that each mark is there, once, in order. Raises Unreadable."""
    for place, (mark, lines) in enumerate(groups):
        number = lines[0].number
        if mark not in expected:
            raise Unreadable(number, f"no passage begins at {mark}. Leave the times as they are.")
        if mark in {other for other, _ in groups[:place]}:
            raise Unreadable(number, f"the lines of {mark} are not one after another.")
        if mark != expected[place]:
            raise _missing(number, expected[place])
    if len(groups) < len(expected):
        raise _missing(groups[-1][1][-1].number + 1 if groups else 1, expected[len(groups)])


def _missing(number: int, mark: str) -> Unreadable:
    return Unreadable(number, f"the line of {mark} is missing. To take its words away, leave its mark.")


def _marked(speech: Speech) -> Iterator[tuple[str, Passage]]:
    """Yield the passages that can be changed, each with its mark: its time, numbered where several begin."""
    times: dict[str, int] = {}
    for passage in speech.passages:
        if passage.words:
            time = timestamp(passage.start_ms)
            times[time] = times.get(time, 0) + 1
            yield time if times[time] == 1 else f"{time}-{times[time]}", passage


def _name(speech: Speech, passage: Passage) -> str:
    return speech.name(passage.speaker) if passage.speaker else NOBODY


def _said(passage: Passage) -> str:
    return shown(passage.tokens)


def _unplaced(overlays: Iterable[Unplaced], names: Mapping[str, str]) -> Iterator[str]:
    for number, overlay in enumerate(overlays):
        if number == 0:
            yield "#"
            yield "# These changes found no place when the recording was transcribed again:"
        yield f"# {unplaced_in_words(overlay, names)}"


def unplaced_in_words(overlay: Unplaced, names: Mapping[str, str]) -> str:
    """Say which change found no place; `names` are those of speakers."""
    heard = plain(overlay.heard)
    if overlay.kind == CORRECTION:
        text = plain(overlay.text)
        done = f'was corrected to "{text}"' if text else "was taken away"
    else:
        done = f"was said by {name_of(overlay.text, names)}"
    return f'[{moment(overlay.start_ms)}] "{heard}" {done}'
