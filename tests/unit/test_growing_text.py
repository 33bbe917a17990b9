"""The text of a recording that grows: what is kept of its sound, and what may be decoded early."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.words import Segment
from transcribe_worker.engine.messages import Provisional
from transcribe_worker.recognition.languages import Language
from transcribe_worker.recognition.pipeline import Recognition, Stream
from transcribe_worker.recognizer.live_text import LiveText
from transcribe_worker.speech.stretches import Cut, Window
from transcribe_worker.speech.windows import SAMPLE_RATE_HZ

SECOND = np.ones(SAMPLE_RATE_HZ, np.float32)


@dataclass
class Heard:
    """A recognition that hears speech in everything, and notes what it is to decode."""

    language: Language | None
    decoded: list[Window] = field(default_factory=list)
    early: list[Window] = field(default_factory=list)
    speed: float | None = None
    is_ready: bool = False  # a pause ends what it hears
    spoken: int | None = None  # samples of speech; all of them if None

    def hears(self, samples: NDArray[np.float32]) -> bool:
        return True

    def cut(self, samples: NDArray[np.float32], start: int) -> Cut:
        windows = [Window(start, samples[: self.spoken], ())]
        return Cut(windows, [], start) if self.is_ready else Cut([], windows, start)

    def decode_early(self, window: Window, channel: int | None) -> tuple[Segment, ...]:
        self.early.append(window)
        return ()

    def decode_provisionally(self, window: Window) -> tuple[Segment, ...]:
        self.decoded.append(window)
        return ()


def live_text(recognition: Heard, sent: list[Provisional]) -> LiveText:
    return LiveText(cast(Recognition, recognition), sent.append, lambda: False, lambda window: None)


@pytest.mark.parametrize(("language", "windows"), [(None, 0), (Language("en"), 1)])
def test_nothing_is_decoded_before_the_language_is_known(language: Language | None, windows: int) -> None:
    """The first whole stretch decides it, as in a finished file; what is said now may sound foreign."""
    recognition, sent = Heard(language), list[Provisional]()
    live = live_text(recognition, sent)
    list(live.watched(Stream([SECOND, SECOND])).blocks)
    assert live.look()
    assert len(recognition.decoded) == windows
    assert [event.end_seconds for event in sent] == [2.0]


def test_sound_that_the_stream_has_is_not_kept_twice_while_nobody_looks() -> None:
    """Reading may be behind for hours, and a call that goes on after a crash is read from its beginning."""
    live = live_text(Heard(Language("en")), [])
    begun = 500 * SAMPLE_RATE_HZ
    blocks = live.watched(Stream([SECOND] * 100, start=begun)).blocks
    for _ in range(500):
        live.see(SECOND[np.newaxis])
    for block in blocks:
        live.see(block[np.newaxis])
    (side,) = live._sides.values()
    assert sum(map(len, side.fresh.blocks)) <= SAMPLE_RATE_HZ
    assert len(side.samples()) == 100 * SAMPLE_RATE_HZ


def test_a_window_that_grows_no_more_is_guessed_once() -> None:
    """What was said last is decoded again with each second of it, and not in the pause after it."""
    moments = iter(range(0, 100, 10))
    recognition, sent = Heard(Language("en"), spoken=SAMPLE_RATE_HZ), list[Provisional]()
    live = LiveText(
        cast(Recognition, recognition), sent.append, lambda: False, lambda window: None, lambda: next(moments)
    )
    blocks = live.watched(Stream([SECOND] * 4)).blocks
    for _ in blocks:
        live.look()
    assert len(recognition.decoded) == 1
    assert len(sent) > 1


@pytest.mark.parametrize(("gain", "early"), [(1.0, [4.0]), (0.5, [])])
def test_a_window_whose_echo_may_still_be_removed_is_decoded_early_unless_there_was_echo_before(
    gain: float, early: list[float]
) -> None:
    recognition = Heard(Language("en"), is_ready=True)
    live = live_text(recognition, [])
    blocks = iter(live.watched(Stream([np.float32(gain) * SECOND] * 2)).blocks)
    live.see(np.tile(SECOND, 4)[np.newaxis])
    next(blocks)
    live.look()
    assert [it.end / SAMPLE_RATE_HZ for it in recognition.early] == early
    assert len(recognition.decoded) == 1 - len(early)
