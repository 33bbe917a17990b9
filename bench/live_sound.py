"""The sound of both sides of a call, strung together from recordings or from synthesised turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.corpora import Samples
from bench.real_speech import read_folder, silence
from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, speak, write_wav

PAUSES_SECONDS, DENSE_PAUSES_SECONDS = (0.4, 3.0), (0.1, 0.5)
#: The part of a call in which pauses are short: from this share of its length on, up to that one.
DENSE_FROM, DENSE_UNTIL = 0.4, 0.8
TURN_CHANGES = 0.6
ROOM_DBFS = -62.0


@dataclass(frozen=True, eq=False)
class Sound:
    """Both sides, shape (2, frames): the near one, then the far one. It is repeated without end."""

    sides: NDArray[np.float32]
    quiet_seconds: float = 0.0  # digital silence before it

    def at(self, first: int, frames: int) -> NDArray[np.float32]:
        """Return `frames` of both sides from frame `first` on, shape (2, frames)."""
        places = np.arange(first, first + frames) - round(self.quiet_seconds * SAMPLE_RATE_HZ)
        found = self.sides[:, places % self.sides.shape[1]]
        found[:, places < 0] = 0
        return found

    def after(self, quiet_seconds: float) -> Sound:
        """Return the same sound after a silence, as of a call that is muted on both sides."""
        return replace(self, quiet_seconds=quiet_seconds)

    def write(self, folder: Path, seconds: float) -> tuple[Path, Path]:
        """Write a file for each side, and return their paths."""
        paths = folder / "near.wav", folder / "far.wav"
        for path, samples in zip(paths, self.at(0, round(seconds * SAMPLE_RATE_HZ)), strict=True):
            write_wav(path, samples)
        return paths


def clips_of(folders: Sequence[Path]) -> list[Samples]:
    """Return the recordings of folders of real speech; without a folder, synthesised turns."""
    if folders:
        return [clip.samples for folder in folders for clip in read_folder(folder)]
    return [speak([turn], pause_seconds=(0.0, 0.0)).samples for turn in LONG_CALL]


def conversation(clips: Sequence[Samples], seconds: float, *, talk: float = 1.0, seed: int = 7) -> Sound:
    """String clips together to a call in which both sides speak in turns, in the last share `talk` of it.

    The same clips, length and seed give the same samples.
    """
    chance, frames = np.random.default_rng(seed), round(seconds * SAMPLE_RATE_HZ)
    spoken = np.concatenate(list(_turns(clips, talked := round(talk * frames), chance)), axis=1)
    sides = np.zeros((2, frames), np.float32)
    sides[:, frames - talked :] = spoken[:, :talked]
    sides[0] += chance.normal(0, 10 ** (ROOM_DBFS / 20), frames).astype(np.float32)
    return Sound(sides)


def room(seconds: float) -> Sound:
    """Return a call in which nobody speaks."""
    return conversation([silence(1.0)], seconds)


def _turns(
    clips: Sequence[Samples], frames: int, chance: np.random.Generator
) -> Iterator[NDArray[np.float32]]:
    made, side = 0, 0
    while made < frames:
        for number in chance.permutation(len(clips)):
            is_dense = DENSE_FROM <= made / frames < DENSE_UNTIL
            pause = silence(float(chance.uniform(*(DENSE_PAUSES_SECONDS if is_dense else PAUSES_SECONDS))))
            turn = np.concatenate([clips[number], pause])
            made += len(turn)
            yield np.stack([turn * (side == 0), turn * (side == 1)])
            side ^= int(chance.random() < TURN_CHANGES)
