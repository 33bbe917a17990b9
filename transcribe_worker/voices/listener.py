"""Listens to a recording while it is decoded, and says at its end which voice spoke when.

Embeddings are kept in memory until then, about 4 MB for an hour of speech, and nowhere else.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.speakers import VoiceTurn
from transcribe_worker.speech.stretches import Stretch, Window, WindowKey
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ
from transcribe_worker.voices import clusters, pieces
from transcribe_worker.voices.network import PARTS, VoiceNetwork
from transcribe_worker.voices.turns import turns

MS_PER_SAMPLE = 1000 / SAMPLE_RATE_HZ


class _Heard(NamedTuple):
    """The pieces of a window: their starts in ticks, their lengths in frames, their embeddings."""

    starts: list[int]
    lengths: list[int]
    embeddings: list[NDArray[np.float16]]


class Listener:
    """Hears the stretches of one recording in order; each is to be heard once."""

    def __init__(self, network: VoiceNetwork) -> None:
        self._network = network
        self._spans_ms: list[tuple[int, int]] = []
        self._starts: list[int] = []
        self._lengths: list[int] = []
        self._embeddings: list[NDArray[np.float16]] = []
        self._early: dict[WindowKey, _Heard] = {}
        self.seconds = 0.0

    def hear(self, stretch: Stretch) -> None:
        """Take the voices of a stretch in."""
        began = time.monotonic()
        for window in stretch.windows:
            self._take(window, self._early.get(window.key) or self._heard(window))
        self._early.clear()
        self.seconds += time.monotonic() - began

    def hear_early(self, window: Window) -> None:
        """Hear a window before its stretch is whole; it is taken in if the stretch has that very window."""
        began = time.monotonic()
        if window.key not in self._early:
            self._early[window.key] = self._heard(window)
        self.seconds += time.monotonic() - began

    def turns(self, speakers: int = 0) -> tuple[VoiceTurn, ...]:
        """Return when which voice speaks, in order; `speakers` is their number, 0 estimates it."""
        began = time.monotonic()
        if not self._embeddings:
            return ()
        self._embeddings = [np.concatenate(self._embeddings)]  # the parts are freed
        lengths = np.array(self._lengths)
        heard = clusters.Pieces(np.array(self._starts), lengths, self._embeddings[0], lengths == max(PARTS))
        found = clusters.find(heard, speakers)
        said = turns(found, self._spans_ms)
        self.seconds += time.monotonic() - began
        return said

    def _heard(self, window: Window) -> _Heard:
        """Return the voices of a window."""
        found = _Heard([], [], [])
        made = pieces.cut(window.samples, window.speech)
        if made is None:
            return found
        begins = round(window.start / pieces.SAMPLES_PER_TICK)
        for tick, loud, parts in zip(made.ticks, made.loud, self._network.embeddings(made.mels), strict=True):
            for length, share, embedding in zip(PARTS, loud, parts, strict=True):
                if share >= pieces.LEAST_LOUD or length == max(PARTS):
                    found.starts.append(begins + tick)
                    found.lengths.append(length)
                    found.embeddings.append(embedding[None].astype(np.float16))
        return found

    def _take(self, window: Window, heard: _Heard) -> None:
        if not heard.starts:
            return
        for span in window.speech:
            at = (window.start + span.start, window.start + span.end)
            self._spans_ms.append((round(at[0] * MS_PER_SAMPLE), round(at[1] * MS_PER_SAMPLE)))
        self._starts += heard.starts
        self._lengths += heard.lengths
        self._embeddings += heard.embeddings
