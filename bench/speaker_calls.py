"""Calls of two or three people, with both sides where they are known, and with what is said when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.corpora import Samples
from bench.speaker_alignment import LIMIT_MS
from bench.speaker_words import Utterance, uttered
from capture_worker.audio.source import SIDES
from capture_worker.mixer import FULL_SCALE, mix
from capture_worker.samples import Pair
from shared.speakers import ME, THEM
from tests.voices import SAMPLE_RATE_HZ


@dataclass(frozen=True, eq=False)
class SpeakerCall:
    """A call, 16 kHz, float32 (frames,): `samples` has everybody, as one channel of a file.

    `sides` are those of a capture, None if there is only one channel; `own` is the person at the microphone.
    `is_one_voice_a_person` is False if the recordings on a side are of different people.
    Words further than `limit_ms` from where they were said are other words.
    """

    kind: str
    name: str
    samples: Samples
    utterances: tuple[Utterance, ...]
    sides: Pair | None = None
    own: str | None = None
    has_echo: bool = False
    is_one_voice_a_person: bool = True
    limit_ms: int = LIMIT_MS

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ

    @property
    def persons(self) -> list[str]:
        """The people who say something, in order of their first words."""
        return list(dict.fromkeys(it.speaker for it in self.utterances))

    @property
    def of_sides(self) -> tuple[Utterance, ...]:
        """What is said, by side instead of by person."""
        return tuple(_of(ME if it.speaker == self.own else THEM, it) for it in self.utterances)


def _of(speaker: str, it: Utterance) -> Utterance:
    return replace(it, speaker=speaker, tokens=tuple(replace(token, speaker=speaker) for token in it.tokens))


@dataclass(frozen=True, eq=False)
class Said:
    """Sound of one person, (frames,), where it begins in the call, and its words."""

    speaker: str
    start: int
    samples: Samples
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.samples)

    @property
    def utterance(self) -> Utterance:
        """The utterance with its words."""
        return uttered(self.speaker, self.text, round(self.start / SAMPLE_RATE_HZ * 1000), self.samples)


def tracks(said: Sequence[Said], own: str, frames: int) -> tuple[Samples, Samples]:
    """Return the sound of the person at the microphone, and of all others, both (frames,)."""
    near, far = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    for it in said:
        (near if it.speaker == own else far)[it.start : it.end] += it.samples
    return near, far


def mixed(sides: Pair) -> Samples:
    """Return both sides in one channel, as capture writes it to a file."""
    samples: Samples = mix(sides, SIDES).astype(np.float32) / np.float32(FULL_SCALE + 1)
    return samples
