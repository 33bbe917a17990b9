"""Embeddings of pieces to voices: how many there are, and which one speaks when. Pure functions, numpy.

Spherical k-means on the pieces of full length finds the voices, and is refined with the pieces that lie in
one voice's time. A voice is only split in two if the two differ more than parts of one voice do. Shorter
parts of the pieces say more exactly when the voice changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shared.settings import MOST_VOICES

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

#: The time that is given to one voice at a time.
TICK_MS = 100
#: Ways to begin k-means, and the most rounds of it and of its refinement.
STARTS, ROUNDS, REFINEMENTS = 8, 20, 4
#: The most pieces for k-means; more would take longer, and find no other voices.
LARGEST_SAMPLE = 4000
#: Share of a piece's time that must be of its voice, for the piece to count for the voice.
PURE = 0.8
#: Two parts of one voice are at least this much alike; less for parts of few pieces, which differ by chance.
ALIKE, CHANCE, MOST_ALIKE = 0.885, 0.6, 0.85
#: With a third voice or more, pieces are more like their voice by this, in the mean. One voice that is split
#: in two gains less; with few pieces it gains more by chance.
GAIN, GAIN_BY_CHANCE = 0.013, 0.4
#: How much a likeness counts in a tick, and how much likeness a change of the voice must gain.
WEIGHT, CHANGE = 24.0, 8.0


@dataclass(frozen=True)
class Pieces:
    """Pieces of speech with their embeddings, shape (pieces, any length), each of length 1.

    `starts` and `lengths` are in ticks. `whole` says which pieces have the full length.
    """

    starts: Numbers
    lengths: Numbers
    embeddings: NDArray[np.float16] | Floats
    whole: NDArray[np.bool_]

    @cached_property
    def sample(self) -> Floats:
        """The embeddings of pieces of full length, evenly chosen from a long recording."""
        chosen = np.flatnonzero(self.whole)
        return self.embeddings[chosen[:: -(-len(chosen) // LARGEST_SAMPLE)]].astype(np.float32)

    def products(self, centres: Floats) -> Floats:
        """Return how like each voice each piece is, shape (pieces, voices)."""
        parts = range(0, len(self.embeddings), LARGEST_SAMPLE)
        some = (self.embeddings[first : first + LARGEST_SAMPLE].astype(np.float32) for first in parts)
        return np.concatenate([its @ centres.T for its in some])

    @property
    def ticks(self) -> int:
        """The first tick after the last piece."""
        return int((self.starts + self.lengths).max(initial=0))


@dataclass(frozen=True)
class Found:
    """The voice of each tick, from 0, by how much it is more likely than the next, and the voices.

    `pieces` is how many of full length it was found from. `alike` is how much more alike the two voices were
    that it was split into than two parts of one voice are at least; 1 where the number was given.
    """

    voices: Numbers
    margins: Floats
    count: int
    pieces: int
    alike: float = 1.0


def find(pieces: Pieces, speakers: int = 0) -> Found:
    """Find the voices of a recording; `speakers` is their number, 0 estimates it."""
    if speakers:
        return _spoken(pieces, _centres(pieces, speakers))
    best, alike = _mean(pieces.sample)[None], 1.0
    refused, before = 0, 0.0
    for count in range(2, MOST_VOICES + 1):
        centres = _centres(pieces, count)
        own, too_alike = _own_likeness(pieces, centres), _too_alike(pieces, centres)
        gains = count == 2 or own - before >= GAIN + GAIN_BY_CHANCE / len(pieces.sample)
        is_better = len(centres) == count and gains and too_alike < 0
        best, refused, before = (centres, 0, own) if is_better else (best, refused + 1, own)
        alike = too_alike if count == 2 else alike
        if refused == 2:
            break
    return _spoken(pieces, best, alike)


def _centres(pieces: Pieces, count: int) -> Floats:
    """Return the embeddings of some voices, fewer if there are too few pieces."""
    centres = _k_means(pieces.sample, min(count, len(pieces.sample)))
    for _ in range(REFINEMENTS):
        refined = _refined(pieces, centres)
        if np.allclose(refined, centres, atol=1e-4):
            break
        centres = refined
    return centres


def _k_means(embeddings: Floats, count: int) -> Floats:
    """Return the best of several results of spherical k-means, with the starts of k-means++."""
    tries = [_from(embeddings, _start(embeddings, count, seed)) for seed in range(STARTS)]
    return max(tries, key=lambda centres: float((embeddings @ centres.T).max(axis=1).sum()))


def _start(embeddings: Floats, count: int, seed: int) -> Floats:
    chance = np.random.default_rng(seed)
    chosen = [int(chance.integers(len(embeddings)))]
    while len(chosen) < count:
        apart = np.square(1 - (embeddings @ embeddings[chosen].T).max(axis=1).clip(-1, 1)) + 1e-9
        chosen.append(int(chance.choice(len(embeddings), p=apart / apart.sum())))
    return embeddings[chosen]


def _from(embeddings: Floats, centres: Floats) -> Floats:
    nearest = np.full(len(embeddings), -1)
    for _ in range(ROUNDS):
        before, nearest = nearest, (embeddings @ centres.T).argmax(axis=1)
        if (before == nearest).all():
            break
        centres = _centres_of(embeddings, nearest, centres)
    return centres


def _centres_of(embeddings: NDArray[Any], owners: Numbers, before: Floats) -> Floats:
    own = (embeddings[owners == number] for number in range(len(before)))
    return np.stack([_mean(its) if len(its) else last for its, last in zip(own, before, strict=True)])


def _mean(embeddings: NDArray[Any]) -> Floats:
    total = embeddings.sum(axis=0, dtype=np.float32)
    mean: Floats = total / max(float(np.linalg.norm(total)), 1e-9)
    return mean


def _refined(pieces: Pieces, centres: Floats) -> Floats:
    return _centres_of(pieces.embeddings, _owners(pieces, centres), centres)


def _owners(pieces: Pieces, centres: Floats) -> Numbers:
    """Return the voice of each piece of full length that is nearly all in one voice's time, else -1."""
    spoken = _likenesses(pieces, centres).argmax(axis=1)
    owners = np.full(len(pieces.starts), -1)
    for number in range(len(centres)):
        before = np.concatenate([[0], np.cumsum(spoken == number)])
        own = before[pieces.starts + pieces.lengths] - before[pieces.starts]
        owners[pieces.whole & (own >= PURE * pieces.lengths)] = number
    return owners


def _own_likeness(pieces: Pieces, centres: Floats) -> float:
    """Return how like its voice a piece is, in the mean."""
    return float((pieces.sample @ centres.T).max(axis=1).mean())


def _too_alike(pieces: Pieces, centres: Floats) -> float:
    """Return by how much two voices are more alike than two parts of one voice are at least, of all pairs."""
    sizes = np.bincount(_owners(pieces, centres) + 1, minlength=len(centres) + 1)[1:]
    pairs = combinations(range(len(centres)), 2)
    return max(
        (
            float(centres[one] @ centres[other]) - _alike(min(sizes[one], sizes[other]))
            for one, other in pairs
        ),
        default=1.0,
    )


def _alike(pieces: int) -> float:
    """Return how much two parts of one voice are alike at least, of which the smaller has some pieces."""
    return min(MOST_ALIKE, ALIKE - CHANCE / pieces) if pieces else 0.0


def _likenesses(pieces: Pieces, centres: Floats) -> Floats:
    """Return how like each voice each tick is, shape (ticks, voices): the mean of the pieces around it.

    A tick in the middle of a piece counts more than one at its edges.
    """
    alike = pieces.products(centres)
    totals = np.zeros((pieces.ticks, len(centres)), np.float32)
    weights = np.zeros(pieces.ticks, np.float32)
    for offset in range(int(pieces.lengths.max(initial=0))):
        inside = pieces.lengths > offset
        ticks, lengths = pieces.starts[inside] + offset, pieces.lengths[inside]
        weight = (1.1 - np.abs((2 * offset + 1) / lengths - 1)).astype(np.float32)
        np.add.at(totals, ticks, alike[inside] * weight[:, None])
        np.add.at(weights, ticks, weight)
    likenesses: Floats = (totals / np.maximum(weights, 1e-9)[:, None]).astype(np.float32)
    return likenesses


def _spoken(pieces: Pieces, centres: Floats, alike: float = 1.0) -> Found:
    likenesses = _likenesses(pieces, centres)
    voices = _likeliest(likenesses)
    own = np.take_along_axis(likenesses, voices[:, None], axis=1)[:, 0]
    others = likenesses.copy()
    np.put_along_axis(others, voices[:, None], -1.0, axis=1)
    margins: Floats = own - others.max(axis=1)
    return Found(voices, margins, len(centres), int(pieces.whole.sum()), alike)


def _likeliest(likenesses: Floats) -> Numbers:
    """Return the likeliest voice of each tick, where each change has a cost (Viterbi's algorithm)."""
    ticks, count = likenesses.shape
    best = [0.0] * count
    steps = bytearray()  # for each tick and voice, the voice of the tick before
    for row in _rows(likenesses):
        top = max(range(count), key=best.__getitem__)
        least = best[top] - CHANGE
        steps += bytes(number if value >= least else top for number, value in enumerate(best))
        best = [max(value, least) + gain * WEIGHT for value, gain in zip(best, row, strict=True)]
    voices = np.empty(ticks, np.int64)
    voice = max(range(count), key=best.__getitem__)
    for tick in range(ticks - 1, -1, -1):
        voices[tick] = voice
        voice = steps[tick * count + voice]
    return voices


def _rows(likenesses: Floats) -> Iterator[list[float]]:
    """Yield rows as lists, which are faster to read one by one and larger than an array."""
    for first in range(0, len(likenesses), LARGEST_SAMPLE):
        yield from likenesses[first : first + LARGEST_SAMPLE].tolist()
