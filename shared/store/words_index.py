"""Prepares text for the full-text index, parses searches, and finds the words in a text.

Any full-text index that splits text at spaces and compares words will do. Languages that write no spaces, and
letters that people type in other ways, are prepared here: the index has each character of such a script as
a word of its own, so that a phrase finds any part of a run; ß is stored as ss, ø as o, and so on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

#: Scripts without spaces between words, and Hangul, whose particles follow a word without a space.
UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u0fff"  # Tibetan
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u2fdf\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3040-\u30ff\u3100-\u312f\u31f0-\u31ff"  # Kana, Bopomofo
    "\uac00-\ud7af"  # Hangul
)
_UNSPACED_SIGN = re.compile(f"([{UNSPACED}])")
#: Letters that Unicode does not take apart and that people type as others.
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "ı": "i", "ħ": "h", "ŧ": "t"}
)
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue"}
_SPELLED_OUT = re.compile("(a|o|u)e")
_TOKEN = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
TOKENS_AROUND = 12
ELLIPSIS = "…"


@dataclass(frozen=True)
class Term:
    """One word that a person typed; any of its `spellings` will do. Each is one or more folded words in a
    row.
    """

    spellings: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True)
class Query:
    """Words that must all be found."""

    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Excerpt:
    """A part of a text, and the ranges of characters in it that were found, in order."""

    text: str
    marks: tuple[tuple[int, int], ...]


def parse(words: str) -> Query:
    """Read what a person typed: all words, `word*` for the beginning of one, nothing else special."""
    return Query(tuple(_terms(words)))


def index_text(text: str) -> str | None:
    """Return the text to index instead of `text`; None if that is `text` itself."""
    prepared = folded(text)
    return None if prepared == text.lower() else prepared


def folded(text: str) -> str:
    """Return `text` in small letters, ß as ss, and characters of scripts without spaces apart."""
    if text.isascii():
        return text.casefold()
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_LETTERS)
    return _UNSPACED_SIGN.sub(r" \1", plain)


def index_words(text: str) -> list[str]:
    """Return the words of a text as an index has them that takes texts apart no further: letters and digits
    alone, folded and without accents.
    """
    return [bare for match in _TOKEN.finditer(folded(text)) if (bare := _bare(match[0]))]


def snippet(text: str, query: Query) -> str:
    """Return up to a dozen words around the first place that was found, with what was found in brackets."""
    found = excerpt(text, query)
    parts, at = [], 0
    for begin, end in found.marks:
        parts += [found.text[at:begin], "[", found.text[begin:end], "]"]
        at = end
    return "".join([*parts, found.text[at:]])


def excerpt(text: str, query: Query) -> Excerpt:
    """Return up to a dozen words around the first place that was found, and where it has what was found."""
    tokens = [(_bare(match[0]), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    found = sorted(_places([token for token, *_ in tokens], query))
    if not tokens:
        return Excerpt(text, ())
    first = found[0][0] if found else 0
    start = max(0, first - TOKENS_AROUND // 3)
    end = min(len(tokens), start + TOKENS_AROUND)
    begin_at = tokens[start][1] if start else 0
    end_at = tokens[end - 1][2] if end < len(tokens) else len(text)
    before, after = ELLIPSIS if start else "", ELLIPSIS if end < len(tokens) else ""
    moved = len(before) - begin_at
    marks = [(tokens[a][1] + moved, tokens[min(b, end) - 1][2] + moved) for a, b in found if start <= a < end]
    return Excerpt(f"{before}{text[begin_at:end_at]}{after}", tuple(marks))


def places(text: str, query: Query) -> list[tuple[int, int]]:
    """Return where the words stand in a text, as ranges of characters; none if one of them is missing."""
    tokens = [(_bare(match[0]), match.start(), match.end()) for match in _TOKEN.finditer(text)]
    bare = [token for token, *_ in tokens]
    if not all(_places(bare, Query((term,))) for term in query.terms):
        return []
    return [(tokens[a][1], tokens[b - 1][2]) for a, b in sorted(_places(bare, query))]


def _terms(words: str) -> Iterator[Term]:
    for word in words.replace("\0", " ").split():  # the index would read no further than a zero
        bare = word.rstrip("*").replace('"', "")
        if any(sign.isalnum() for sign in bare):
            yield Term(tuple(dict.fromkeys(_spellings(bare))), word.endswith("*"))


def _spellings(word: str) -> Iterator[str]:
    """Yield the word as it is typed, and German umlauts written in the other way."""
    plain = folded(word)
    yield plain.strip()
    spelled_out = "".join(_UMLAUTS.get(sign, sign) for sign in plain)
    if spelled_out != plain:
        yield spelled_out.strip()
    elif _SPELLED_OUT.search(plain):
        yield _SPELLED_OUT.sub(r"\1", plain).strip()


def _bare(token: str) -> str:
    """Return a token as two spellings of it compare: folded, without accents."""
    parts = unicodedata.normalize("NFKD", folded(token).strip())
    return "".join(sign for sign in parts if not unicodedata.combining(sign))


def _places(tokens: Sequence[str], query: Query) -> set[tuple[int, int]]:
    """Return where the terms stand, as ranges of token numbers that do not overlap."""
    found: set[tuple[int, int]] = set()
    for term in query.terms:
        for spelling in term.spellings:
            wanted = [_bare(match[0]) for match in _TOKEN.finditer(spelling)]
            starts = range(len(tokens) - len(wanted) + 1) if wanted else ()
            found |= {(a, a + len(wanted)) for a in starts if _stands(tokens, a, wanted, term.is_prefix)}
    apart: set[tuple[int, int]] = set()
    for a, b in sorted(found, key=lambda place: (place[0], -place[1])):
        if all(b <= c or d <= a for c, d in apart):
            apart.add((a, b))
    return apart


def _stands(tokens: Sequence[str], at: int, wanted: Sequence[str], is_prefix: bool) -> bool:
    *before, last = wanted
    there = tokens[at + len(before)]
    return list(tokens[at : at + len(before)]) == before and (
        there.startswith(last) if is_prefix else there == last
    )
