"""Which language is spoken: asked at several places of a recording, and of each window while it is decoded.

A call may begin with a cough, with music or with a greeting in another language, so its first window is not
enough. Each place counts by its probabilities and by how long somebody speaks there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from transcribe_worker.speech.detection import Samples, speech_spans
from transcribe_worker.speech.stretches import Source
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

#: Probability by the code of a language.
Probabilities = Mapping[str, float]

#: A place is as long as what the model was trained on.
PLACE_SAMPLES = 30 * SAMPLE_RATE_HZ
#: The places, counted in half minutes from the start: most calls are sure within the first three.
PLACES = (0, 1, 2, 4, 8, 16, 32)
#: Listening ends when so many places agree so well.
ENOUGH_PLACES, SURE = 3, 0.9
#: Less speech is a cough or a laugh.
LEAST_SPEECH = SAMPLE_RATE_HZ
#: A window this long and this surely in another language is a change. A shorter name may sound foreign.
CHANGE_SECONDS, SURE_OF_A_CHANGE = 5.0, 0.8


@dataclass(frozen=True)
class Language:
    """The code of a language, and the probability that it is spoken: None if a person chose it."""

    code: str
    probability: float | None = None

    @property
    def is_found(self) -> bool:
        """Whether it was found by listening."""
        return self.probability is not None

    def changes(self, heard: Probabilities, seconds: float) -> bool:
        """Say whether a window is in another language."""
        other = max(heard, key=heard.__getitem__)
        return other != self.code and heard[other] >= SURE_OF_A_CHANGE and seconds >= CHANGE_SECONDS


@dataclass
class Vote:
    """The probabilities heard at places of a recording, weighted by the seconds of speech at each."""

    seconds: float = 0.0
    places: int = 0
    _sums: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, heard: Probabilities, seconds: float) -> None:
        """Count a place with so much speech."""
        self.seconds += seconds
        self.places += 1
        for code, probability in heard.items():
            self._sums[code] += probability * seconds

    @property
    def language(self) -> Language | None:
        """The most probable language, None if nothing was counted."""
        if not self.places:
            return None
        code = max(self._sums, key=self._sums.__getitem__)
        return Language(code, round(self._sums[code] / self.seconds, 3))

    @property
    def is_sure(self) -> bool:
        """Whether further places are unlikely to change the language."""
        found = self.language
        return found is not None and self.places >= ENOUGH_PLACES and (found.probability or 0.0) >= SURE


def heard_in(results: Iterable[tuple[str, float]]) -> Probabilities:
    """Return what CTranslate2 says of a window, whose languages are written like `<|en|>`."""
    return {token[2:-2]: probability for token, probability in results}


def places(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """Yield the speech at each place where there is some: what was detected, joined, shape (frames,)."""
    source = Source(blocks)
    for number in range(PLACES[-1] + 1):
        samples = source.take(PLACE_SAMPLES)
        if not len(samples):
            return
        if number in PLACES:
            spoken = [samples[span.start : span.end] for span in speech_spans(samples)]
            if sum(map(len, spoken)) >= LEAST_SPEECH:
                yield np.concatenate(spoken)
