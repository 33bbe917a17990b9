"""Voices are counted and followed in time, with embeddings drawn at random around known voices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from transcribe_worker.voices.clusters import Found, Pieces, find

#: A turn: a voice, and for how many ticks of 0.1 s it speaks.
Turn = tuple[int, int]
SIZE, STEP = 64, 10
#: Parts of one voice are alike by about 0.7, as those of real voices are.
SPREAD = 0.08


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float32]:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def voices(count: int, chance: np.random.Generator) -> NDArray[np.float32]:
    """Voices that are alike by about 0.5."""
    common = unit(np.ones(SIZE))
    return unit(common + unit(chance.standard_normal((count, SIZE))))


def heard(turns: Sequence[Turn], seed: int = 0) -> tuple[Pieces, NDArray[np.int64]]:
    """The pieces of a conversation, and who speaks in each tick."""
    chance = np.random.default_rng(seed)
    known = voices(max(voice for voice, _ in turns) + 1, chance)
    spoken = np.concatenate([np.full(ticks, voice) for voice, ticks in turns])
    starts, lengths, embeddings = [], [], []
    for start in range(0, len(spoken) - 15, STEP):
        for length in (8, 16):
            mixed = known[spoken[start : start + length]].mean(axis=0)
            starts.append(start)
            lengths.append(length)
            embeddings.append(unit(mixed + chance.normal(0, SPREAD, SIZE)))
    found = np.array(lengths)
    return Pieces(np.array(starts), found, np.stack(embeddings), found == 16), spoken


def wrong(found: Found, spoken: NDArray[np.int64]) -> float:
    """The share of ticks with another voice, where each found voice is the one it is most of the time."""
    spoken = spoken[: len(found.voices)]
    named = [np.bincount(spoken[found.voices == voice]).argmax() for voice in np.unique(found.voices)]
    names = dict(zip(np.unique(found.voices).tolist(), named, strict=True))
    return float(np.mean([names[voice] for voice in found.voices.tolist()] != spoken))


def conversation(persons: int, turns: int, ticks: tuple[int, int], seed: int) -> list[Turn]:
    """Turns of several persons, with lengths drawn between two bounds."""
    chance = np.random.default_rng(seed)
    return [(number % persons, int(chance.integers(*ticks))) for number in range(turns)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("ticks", [40, 80, 300, 3_000])
def test_one_voice_alone_is_one_however_long_it_speaks(ticks: int, seed: int):
    pieces, _ = heard([(0, ticks)], seed)
    assert find(pieces).count == 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("persons", [2, 3, 4])
def test_voices_in_turn_are_counted_and_followed(persons: int, seed: int):
    pieces, spoken = heard(conversation(persons, 40, (10, 60), seed), seed)
    found = find(pieces)
    assert found.count == persons
    assert wrong(found, spoken) < 0.06


def test_where_the_voice_is_clear_it_is_right():
    pieces, spoken = heard(conversation(2, 60, (10, 60), 1), 1)
    found = find(pieces)
    clear = found.margins > 0.2
    assert clear.mean() > 0.5
    assert wrong(Found(found.voices[clear], found.margins[clear], 2, 1), spoken[: len(clear)][clear]) < 0.01


@pytest.mark.parametrize("speakers", [1, 2, 3])
def test_a_given_number_of_voices_is_kept_to(speakers: int):
    pieces, _ = heard(conversation(2, 40, (10, 60), 0))
    assert find(pieces, speakers).count == speakers


def test_more_voices_than_pieces_are_as_many_as_there_are_pieces():
    pieces, _ = heard([(0, 30)])
    assert find(pieces, 8).count == len(pieces.sample)


def test_the_same_pieces_give_the_same_voices():
    pieces, _ = heard(conversation(3, 40, (10, 60), 0))
    first, second = find(pieces), find(pieces)
    assert (first.voices == second.voices).all()
    assert (first.margins == second.margins).all()


def test_a_tick_without_a_piece_keeps_the_voice_before_it():
    pieces, spoken = heard([(0, 200), (1, 200)])
    kept = (pieces.starts < 80) | (pieces.starts > 120)
    gap = Pieces(pieces.starts[kept], pieces.lengths[kept], pieces.embeddings[kept], pieces.whole[kept])
    found = find(gap, 2)
    assert len(set(found.voices[90:130].tolist())) == 1
    assert wrong(found, spoken) < 0.03
