"""From a changed text back to the words it was made of: which of them are corrected, and to what. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from archive.passages import plain
from shared.reading import Token
from shared.store.words_index import UNSPACED

#: A character of a script without spaces, or what stands between spaces.
_ATOM = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")


@dataclass(frozen=True)
class Rewording:
    """The new text of the words from `first_word` to `last_word`, both included."""

    first_word: int
    last_word: int
    text: str


@dataclass
class _Group:
    """Tokens one after another, and their atoms in the new text: from `begin` up to `end`."""

    tokens: list[Token]
    begin: int
    end: int
    is_kept: bool


@dataclass(frozen=True)
class Reworded:
    """A changed text: its rewordings, and before which token each of its parts begins."""

    rewordings: tuple[Rewording, ...]
    begins: tuple[int, ...]


def reworded(tokens: Sequence[Token], parts: Sequence[str]) -> Reworded:
    """Compare tokens with their changed text, which is in parts one after another.

    Times are kept where they can be: words that are equal stay, and as many new words as old ones are laid
    over them one by one. A new word between two others belongs to the one before it.
    """
    text = " ".join(plain(part) for part in parts)
    atoms = list(_ATOM.finditer(text))
    groups = _joined(_groups(tokens, [atom[0] for atom in atoms]))
    found = [it for group in groups if not group.is_kept for it in _rewordings(group, atoms, text)]
    bounds = _bounds(parts)
    return Reworded(tuple(found), tuple(_token_at(groups, bound) for bound in bounds))


def shown(tokens: Sequence[Token]) -> str:
    """Return the text of tokens as a person gets it to change."""
    return plain("".join(token.text for token in tokens))


def _bounds(parts: Sequence[str]) -> list[int]:
    """Return how many atoms are before each part."""
    counts = [len(_ATOM.findall(plain(part))) for part in parts]
    return [sum(counts[:number]) for number in range(len(parts))]


def _groups(tokens: Sequence[Token], new: Sequence[str]) -> Iterator[_Group]:
    """Yield tokens whose atoms are all there, each alone, and the others in groups between them."""
    atoms = [_ATOM.findall(plain(token.text)) for token in tokens]
    old = [atom for some in atoms for atom in some]
    matched: dict[int, int] = {}
    for block in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        matched.update({block.a + step: block.b + step for step in range(block.size)})
    at = done = 0
    changed: list[Token] = []
    for token, own in zip(tokens, atoms, strict=True):
        places = [matched.get(n) for n in range(at, at + len(own))]
        at += len(own)
        first = places[0] if places else None
        if first is None or places != list(range(first, first + len(own))):
            changed.append(token)
            continue
        if changed or first > done:
            yield _Group(changed, done, first, is_kept=False)
            changed = []
        yield _Group([token], first, first + len(own), is_kept=True)
        done = first + len(own)
    if changed or done < len(new):
        yield _Group(changed, done, len(new), is_kept=False)


def _joined(groups: Iterator[_Group]) -> list[_Group]:
    """Join new words that have no old one to their neighbour: the word before, or else the one after."""
    found: list[_Group] = []
    waiting: _Group | None = None
    for group in groups:
        if not group.tokens and found:
            found[-1] = _Group(found[-1].tokens, found[-1].begin, group.end, is_kept=False)
        elif not group.tokens:
            waiting = group
        elif waiting:
            found.append(_Group(group.tokens, waiting.begin, group.end, is_kept=False))
            waiting = None
        else:
            found.append(group)
    return found


def _rewordings(group: _Group, atoms: Sequence[re.Match[str]], text: str) -> Iterator[Rewording]:
    new = atoms[group.begin : group.end]
    singly = all(len(_ATOM.findall(plain(token.text))) == 1 for token in group.tokens)
    if singly and len(new) == len(group.tokens):
        pairs = zip(group.tokens, new, strict=True)
        yield from (
            Rewording(token.first_word, token.last_word, atom[0])
            for token, atom in pairs
            if atom[0] != plain(token.text)
        )
        return
    said = text[new[0].start() : new[-1].end()] if new else ""
    if said != shown(group.tokens):
        yield Rewording(group.tokens[0].first_word, group.tokens[-1].last_word, said)


def _token_at(groups: Sequence[_Group], bound: int) -> int:
    """Return how many tokens are before an atom; one in a group of several parts it by the share of atoms."""
    before = 0
    for group in groups:
        if bound <= group.begin:
            return before
        if bound < group.end:
            share = (bound - group.begin) / (group.end - group.begin)
            return before + round(share * len(group.tokens))
        before += len(group.tokens)
    return before
