"""Very short answers, 0.2 to 0.6 s: synthesised ones and the shortest real recordings.

Each stands alone, and between pauses of quiet noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from bench.corpora import SPEECH_LEVEL
from bench.real_speech import Clip
from tests.noises import NOISES
from tests.voices import SAMPLE_RATE_HZ, Turn, speak, trimmed

ANSWERS = (
    *("yes", "no", "three", "okay", "right", "sure", "today", "hello", "thanks", "one"),
    *("two", "four", "five", "six", "ten", "maybe", "fine", "never", "good", "exactly"),
)
SPEAKERS = ("joe", "laura")
SECONDS = (0.2, 0.6)
PAUSES_SECONDS = (5.0, 20.0)
NOISE_DBFS = -60.0
#: So much of the silence stays around the answer.
AROUND_SECONDS = 0.02
ALONE, BETWEEN = "answer alone", "answer between pauses"


def answers(real: Sequence[Clip], *, seed: int = 1) -> list[Clip]:
    """Return each answer alone, then each between pauses; the same seed gives the same samples."""
    alone = [*_spoken(), *_shortest(real)]
    chance = np.random.default_rng(seed)
    return [*alone, *(_between_pauses(clip, chance) for clip in alone)]


def _spoken() -> Iterator[Clip]:
    """Yield what the synthesised voices say, in turn."""
    for number, word in enumerate(ANSWERS):
        speaker = SPEAKERS[number % len(SPEAKERS)]
        turn = Turn(speaker, f"{word.capitalize()}.")
        spoken = speak([turn], pause_seconds=(0.0, 0.0)).samples
        samples = trimmed(spoken, AROUND_SECONDS) * np.float32(SPEECH_LEVEL)
        clip = Clip("answers", ALONE, f"{word} ({speaker})", samples, word)
        if SECONDS[0] <= clip.seconds <= SECONDS[1]:
            yield clip


def _shortest(real: Sequence[Clip]) -> Iterator[Clip]:
    for clip in real:
        if clip.is_judged and clip.seconds <= SECONDS[1]:
            yield replace(clip, part="answers", kind=ALONE)


def _between_pauses(clip: Clip, chance: np.random.Generator) -> Clip:
    before, after = chance.uniform(*PAUSES_SECONDS, size=2)
    seconds = before + clip.seconds + after
    samples = NOISES["pink"](seconds, NOISE_DBFS, int(chance.integers(2**31)))
    start = round(before * SAMPLE_RATE_HZ)
    samples[start : start + len(clip.samples)] += clip.samples
    return replace(clip, kind=BETWEEN, samples=samples)
