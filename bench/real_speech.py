"""Reads folders of real recordings with their words, and joins recordings of a kind to calls.

A folder has `clips/`, `refs.tsv` (file name, tab, words) and `sources.tsv`, whose columns `file`, `kind` and
`ref_grade` are read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import numpy as np

from bench.corpora import Samples
from tests.voices import SAMPLE_RATE_HZ
from transcribe_worker.media.recording import open_recording

#: The words of such a recording come from decoders, so they are no measure for one.
NOT_INDEPENDENT = "C"
PAUSES_SECONDS = (0.5, 4.0)
CALL_SECONDS = 180.0


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording, 16 kHz mono, float32 (frames,), and its words.

    `is_judged` is False if the words do not come from a person, so that mistakes are not counted.
    """

    part: str
    kind: str
    name: str
    samples: Samples
    words: str
    is_judged: bool = True

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE_HZ


def read_folder(folder: Path, part: str = "alone") -> Iterator[Clip]:
    """Yield the recordings of a folder in the order of `refs.tsv`.

    Raises ValueError for a recording without a line in `sources.tsv`, and whatever its reader raises.
    """
    with (folder / "sources.tsv").open(encoding="utf-8", newline="") as file:
        sources = {
            line["file"]: line for line in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        }
    for line in (folder / "refs.tsv").read_text("utf-8").splitlines():
        name, _, words = line.partition("\t")
        if name not in sources:
            raise ValueError(
                f"{folder / 'sources.tsv'} has no line for {name}. Add one with its kind and grade."
            )
        source = sources[name]
        samples = _samples(folder / "clips" / name)
        yield Clip(part, source["kind"], name, samples, words, source["ref_grade"] != NOT_INDEPENDENT)


def _samples(path: Path) -> Samples:
    """Read a recording as the engine does."""
    with open_recording(path) as recording:
        return np.concatenate(list(recording.blocks()))


def evenly(clips: Sequence[Clip], count: int | None) -> list[Clip]:
    """Return `count` of the recordings at equal distances, all of them if there are no more or for None."""
    if count is None or count >= len(clips):
        return list(clips)
    return [clips[at * len(clips) // count] for at in range(count)]


def calls(clips: Sequence[Clip], *, seconds: float = CALL_SECONDS, seed: int = 1) -> Iterator[Clip]:
    """Join the judged recordings of each kind, with pauses, to calls of about this length.

    A kind with one recording gives no call. The same recordings and seed give the same samples.
    """
    judged = sorted((clip for clip in clips if clip.is_judged), key=attrgetter("kind"))
    for kind, found in groupby(judged, key=attrgetter("kind")):
        alike, chance = list(found), np.random.default_rng(seed)
        if len(alike) > 1:
            for number, together in enumerate(_of_length(alike, seconds), start=1):
                yield _call(kind, f"{kind} call {number}", together, chance)


def _of_length(clips: Sequence[Clip], seconds: float) -> Iterator[list[Clip]]:
    together: list[Clip] = []
    for clip in clips:
        together.append(clip)
        if sum(each.seconds + sum(PAUSES_SECONDS) / 2 for each in together) >= seconds:
            yield together
            together = []
    if together:
        yield together


def _call(kind: str, name: str, clips: Sequence[Clip], chance: np.random.Generator) -> Clip:
    pieces = [
        piece for clip in clips for piece in (silence(float(chance.uniform(*PAUSES_SECONDS))), clip.samples)
    ]
    return Clip("calls", kind, name, np.concatenate(pieces), " ".join(clip.words for clip in clips))


def silence(seconds: float) -> Samples:
    """Return digital silence."""
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)
