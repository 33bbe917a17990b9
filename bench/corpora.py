"""Synthesised calls with known words: two voices, and noise, as in real calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, speak
from transcribe_worker.media.recording import open_recording

Samples = NDArray[np.float32]
SPEECH_LEVEL = 0.35
TELEPHONE_BAND_HZ = (300, 3_400)
#: Longer noise would take too much memory.
MOST_NOISE = 30 * 60 * SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Corpus:
    """A recording, 16 kHz mono, float32 (frames,), and the words in it."""

    name: str
    samples: Samples
    words: str


@dataclass(frozen=True)
class Scene:
    """The sound of a call: pauses between turns, overlaps, a far voice, noise."""

    pauses_seconds: tuple[float, float]
    overlaps: float = 0.1
    farther_db: float = 0.0  # attenuation of one voice
    noise_db: float = 30.0  # below the speech
    telephone: bool = False


SCENES = {
    "pauses": Scene((2.0, 6.0)),
    "dense": Scene((0.3, 1.2), noise_db=20.0),
    "telephone": Scene((0.3, 2.0), noise_db=10.0, telephone=True),
    "far": Scene((0.3, 3.0), farther_db=24.0, noise_db=50.0),
}


def synthesised(name: str, minutes: float, seed: int = 1) -> Corpus:
    """Return a call of a scene; the same scene, length and seed give the same samples."""
    scene, chance = SCENES[name], np.random.default_rng(seed)
    pieces, words = [np.zeros(0, np.float32)], []
    frames = 0
    while frames < minutes * 60 * SAMPLE_RATE_HZ:
        turn = LONG_CALL[len(words) % len(LONG_CALL)]
        speech = speak([turn], pause_seconds=(0.0, 0.0)).samples * SPEECH_LEVEL
        if turn.speaker == "laura":
            speech = speech * 10 ** (-scene.farther_db / 20)
        overlaps = len(words) > 0 and chance.random() < scene.overlaps
        pause = -0.3 if overlaps else chance.uniform(*scene.pauses_seconds)
        pieces = _joined(pieces, speech, round(pause * SAMPLE_RATE_HZ))
        frames = sum(map(len, pieces))
        words.append(turn.text)
    samples = np.concatenate(pieces)
    if scene.telephone:
        samples = through_a_telephone(samples)
    return Corpus(name, samples + _noise(samples, scene.noise_db, chance), " ".join(words))


def strung_together(folder: Path, references: Path, seed: int = 1, times: int = 1) -> Corpus:
    """Join the recordings of a folder, with pauses; a line of `references` is a name, a tab and the words."""
    lines = [line.split("\t", 1) for line in references.read_text("utf-8").splitlines() if "\t" in line]
    chance = np.random.default_rng(seed)
    pieces, words = [], []
    for name, text in lines * times:
        with open_recording(folder / name) as recording:
            pieces += [_silence(chance.uniform(0.3, 4.0)), *recording.blocks()]
        words.append(text)
    return Corpus(folder.name, np.concatenate(pieces), " ".join(words))


def _joined(pieces: list[Samples], speech: Samples, pause: int) -> list[Samples]:
    """Append speech after a pause, or over the end of the last piece if the pause is negative."""
    if pause >= 0:
        return [*pieces, np.zeros(pause, np.float32), speech]
    last = pieces[-1].copy()
    over = min(-pause, len(last), len(speech))
    last[len(last) - over :] += speech[:over]
    return [*pieces[:-1], last, speech[over:]]


def _silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def _noise(samples: Samples, below_db: float, chance: np.random.Generator) -> Samples:
    """Return pink noise this far below the speech; 30 min of it, repeated."""
    frames = min(len(samples), MOST_NOISE)
    spectrum = np.fft.rfft(chance.standard_normal(frames))
    spectrum /= np.sqrt(np.maximum(1, np.arange(len(spectrum))))
    pink = np.resize(np.fft.irfft(spectrum, frames).astype(np.float32), len(samples))
    said = samples[np.abs(samples) > 0.005]
    level = np.sqrt(np.mean(np.square(said)) / np.mean(np.square(pink))) * 10 ** (-below_db / 20)
    noise: Samples = pink * np.float32(level)
    return noise


def through_a_telephone(samples: Samples) -> Samples:
    """Resample to 8 kHz and back, and limit the band to that of a telephone."""
    narrow = soxr.resample(soxr.resample(samples, SAMPLE_RATE_HZ, 8_000), 8_000, SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(narrow, len(samples))
    hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    spectrum[(hz < TELEPHONE_BAND_HZ[0]) | (hz > TELEPHONE_BAND_HZ[1])] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)
