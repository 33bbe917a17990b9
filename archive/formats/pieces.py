"""Timed pieces of text: the smallest parts of a passage that a subtitle may break between."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from archive.passages import Passage
from shared.plain_text import one_line
from shared.reading import Token

#: Chinese and Japanese characters, between which a line may break; Korean has spaces.
_UNSPACED = (
    "\u2e80-\u2fff\u3005-\u30ff\u3100-\u312f\u31a0-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
_OPENING = "\u3008\u300a\u300c\u300e\u3010\u3014\uff08"
_CLOSING = (
    "\u3001\u3002\u3009\u300b\u300d\u300f\u3011\u3015\u30fb\u30fc\uff01\uff09\uff0c\uff0e\uff1a\uff1b\uff1f"
)
#: One such character with the brackets and marks that may not be parted from it, or what is between spaces.
_TOKEN = re.compile(rf"[{_OPENING}]*[{_UNSPACED}][{_CLOSING}]*|[^\s{_UNSPACED}]+")

_SPACE = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, or a part of a text without spaces: `text` has no space around it and none inside."""

    start_ms: int
    end_ms: int
    text: str
    space_before: bool

    @property
    def width(self) -> int:
        """The columns of its text."""
        return width(self.text)


def width(text: str) -> int:
    """Return how many columns a text takes: a wide character (UAX #11) takes two, any other one."""
    return len(text) if text.isascii() else sum(2 if _is_wide(it) else 1 for it in text)


def spread(text: str, start_ms: int, end_ms: int, *, space_before: bool = False) -> list[Piece]:
    """Cut a text whose words have no times; each piece gets a part of the time by its length."""
    plain = one_line(text)
    found = list(_TOKEN.finditer(plain))
    total = sum(len(it[0]) for it in found) or 1
    pieces: list[Piece] = []
    done = 0
    for token in found:
        begin = start_ms + (end_ms - start_ms) * done // total
        done += len(token[0])
        end = start_ms + (end_ms - start_ms) * done // total
        before = plain[token.start() - 1 : token.start()].isspace() if pieces else space_before
        pieces.append(Piece(begin, end, token[0], before))
    return pieces


def pieces_of(passage: Passage) -> list[Piece]:
    """Return the words of a passage as they are to be read, each with its time."""
    if not passage.is_corrected and not _is_made_of_words(passage):
        return spread(passage.text, passage.start_ms, passage.end_ms)
    return [piece for token in passage.tokens for piece in _pieces(token)]


def _is_made_of_words(passage: Passage) -> bool:
    return "".join("".join(word.text for word in passage.words).split()) == "".join(passage.text.split())


def _pieces(token: Token) -> list[Piece]:
    """Return a word as one piece, a correction as its words, which share its time."""
    end_ms = max(token.start_ms, token.end_ms)
    text = one_line(token.text)
    space_before, text = text[:1].isspace(), text.strip()
    if not token.is_corrected and text and not _SPACE.search(text):
        return [Piece(token.start_ms, end_ms, text, space_before)]
    return spread(text, token.start_ms, end_ms, space_before=space_before)


def joined(pieces: Iterable[Piece]) -> str:
    """Return the text of pieces, without a space before the first."""
    return "".join(f" {it.text}" if it.space_before else it.text for it in pieces).lstrip(" ")


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
