"""Speech is cut into pieces for the voice network."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from transcribe_worker.speech.windows import Span
from transcribe_worker.voices.mels import mel_frames
from transcribe_worker.voices.pieces import cut

RATE = 16_000


def noise(seconds: float, rms: float = 0.05) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(0, rms, round(seconds * RATE)).astype(np.float32)


def speech(*seconds: tuple[float, float]) -> tuple[Span, ...]:
    return tuple(Span(round(start * RATE), round(end * RATE)) for start, end in seconds)


def test_speech_is_cut_into_pieces_that_overlap_and_the_last_ends_with_it():
    made = cut(noise(10), speech((1.0, 5.25)))
    assert made is not None
    assert made.ticks == [10, 20, 30, 36]
    assert made.mels.shape == (4, 160, 40)


def test_short_speech_takes_what_is_around_it():
    made = cut(noise(10), speech((4.0, 4.6), (9.7, 10.0)))
    assert made is not None
    assert made.ticks == [35, 84]


def test_a_recording_shorter_than_a_piece_is_repeated():
    samples = noise(1.0)
    made = cut(samples, speech((0.0, 1.0)))
    assert made is not None
    assert made.mels.shape == (1, 160, 40)
    assert (made.mels[0, :60] == made.mels[0, 100:]).all()


@pytest.mark.parametrize("rms", [0.001, 0.05, 0.3])
def test_a_piece_has_the_level_of_the_network_however_loud_it_was(rms: float):
    made = cut(noise(3, rms), speech((0.0, 1.6)))
    wanted = cut(noise(3, 10 ** (-30 / 20)), speech((0.0, 1.6)))
    assert made is not None
    assert wanted is not None
    assert made.mels == pytest.approx(wanted.mels, rel=1e-3)
    assert wanted.mels[0] == pytest.approx(mel_frames(noise(3, 10 ** (-30 / 20)))[:160], rel=0.05)


def test_a_piece_that_is_mostly_a_pause_is_left_out():
    samples = noise(8)
    samples[2 * RATE : 5 * RATE] *= 0.001
    made = cut(samples, speech((0.0, 8.0)))
    assert made is not None
    assert made.ticks == [0, 10, 50, 60, 64]


@pytest.mark.parametrize("spans", [(), speech((0.0, 1.0))])
def test_without_speech_or_sound_there_are_no_pieces(spans: tuple[Span, ...]):
    assert cut(np.zeros(2 * RATE, np.float32), spans) is None
