"""A side of a call on which nobody speaks makes no words, whatever its line sounds like."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from faster_whisper import WhisperModel

from tests.noises import NOISES, Samples, at_level, colour
from tests.recognition import recognition, tiny_model
from tests.voices import SAMPLE_RATE_HZ
from transcribe_worker.recognition.pipeline import Stream

#: Noises of a line and of a desk; a side with music or a ring tone is not silent.
QUIET = ("white", "pink", "room", "hum", "keyboard")
PART_SECONDS = 60


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return tiny_model()


def heard(model: WhisperModel, blocks: Iterator[Samples]) -> list[str]:
    found = recognition(model).together([Stream(blocks, channel=0)])
    return [segment.text for each in found for segments in each.segments for segment in segments]


def clicks(seconds: float, dbfs: float, seed: int) -> Samples:
    """Single clicks of a switch or a mouse on a line with a faint hiss."""
    chance = np.random.default_rng(seed)
    frames = round(seconds * SAMPLE_RATE_HZ)
    line = np.zeros(frames)
    for at in chance.integers(0, frames - 400, size=round(seconds / 3)):
        line[at : at + 400] += chance.standard_normal(400) * np.exp(-np.arange(400) / 60)
    hiss = at_level(colour(frames, 0.0, chance), -75)
    return (at_level(line, dbfs) + hiss).astype(np.float32)


def of_a_line(seconds: int, dbfs: float, seed: int) -> Iterator[Samples]:
    """The noises of a line, one after another, each for a minute at most."""
    kinds = [clicks, *(NOISES[name] for name in QUIET)]
    for number, start in enumerate(range(0, seconds, PART_SECONDS)):
        noise = kinds[(number + seed) % len(kinds)]
        yield noise(min(PART_SECONDS, seconds - start), dbfs, seed + number)


@pytest.mark.parametrize("dbfs", [-60, -45, -30])
@pytest.mark.parametrize("number", range(len(QUIET) + 1))
def test_half_a_minute_of_a_line_is_no_words(model: WhisperModel, dbfs: float, number: int) -> None:
    assert heard(model, of_a_line(30, dbfs, number)) == []


def test_a_side_of_digital_silence_is_no_words(model: WhisperModel) -> None:
    assert heard(model, iter([np.zeros(90 * SAMPLE_RATE_HZ, np.float32)])) == []


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_ten_hours_of_a_line_are_no_words(model: WhisperModel) -> None:
    """Ten hours: every noise at every level from -65 to -35 dBFS."""
    lines = (of_a_line(3_600, -65 + 3 * hour, 100 * hour) for hour in range(10))
    assert heard(model, (block for line in lines for block in line)) == []
