"""What is heard on a line while nobody speaks: 16 kHz mono, float32 (frames,), the same for the same seed.

`dbfs` is the level of the loudest second, so that a ring tone is as loud as a dial tone while it rings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.voices import SAMPLE_RATE_HZ

Samples = NDArray[np.float32]
#: Seconds, level, seed.
Noise = Callable[[float, float, int], Samples]
Shape = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]

MAINS_HZ, DIAL_HZ, RING_HZ = (50, 100, 150), (350, 440), (440, 480)
RINGS_SECONDS, RING_EVERY_SECONDS = 2, 6
KEYS_PER_SECOND = 5.0
#: Chords that many songs are made of, and a scale to play over them, in semitones over the key.
CHORDS, SCALE = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14)), (0, 2, 4, 7, 9, 12)
LOWEST_KEY_HZ = 110.0


def _noise(shape: Shape) -> Noise:
    """Make a noise of what it looks like over time, at whatever level."""

    def made(seconds: float, dbfs: float, seed: int = 0) -> Samples:
        times = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        return at_level(shape(times, np.random.default_rng(seed)), dbfs)

    return made


def at_level(samples: NDArray[np.float64], dbfs: float) -> Samples:
    """Bring the loudest second to a level; what goes over full scale then is clipped, as a recorder would."""
    seconds = np.array_split(np.square(samples), max(1, len(samples) // SAMPLE_RATE_HZ))
    loudest = np.sqrt(max((part.mean() for part in seconds if len(part)), default=0.0))
    louder = samples * (10 ** (dbfs / 20) / max(loudest, 1e-12))
    return np.asarray(np.clip(louder, -1, 1), np.float32)


def colour(frames: int, slope: float, chance: np.random.Generator) -> NDArray[np.float64]:
    """Noise whose power falls with the frequency to the power of `slope`: 0 is white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(chance.standard_normal(max(1, frames)))
    spectrum *= np.maximum(1, np.arange(len(spectrum))) ** (-slope / 2)
    return np.fft.irfft(spectrum, max(1, frames))[:frames]


def _tones(times: NDArray[np.float64], hertz: tuple[int, ...]) -> NDArray[np.float64]:
    return np.asarray(sum(np.sin(2 * np.pi * tone * times) for tone in hertz), np.float64)


def _room(times: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    """A fan and the street: rumble that comes and goes a little, and a hiss far below."""
    rumble, hiss = (
        at_level(colour(len(times), slope, chance), dbfs) for slope, dbfs in ((1.5, -20), (0, -54))
    )
    return rumble * (1 + 0.3 * np.sin(2 * np.pi * 0.13 * times + chance.uniform(0, 6))) + hiss


def _hum(times: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    return _tones(times, MAINS_HZ) + 0.01 * colour(len(times), 0, chance)


def _keyboard(times: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    """Strokes at random, each a burst of a few milliseconds, over a quiet room."""
    samples = 0.005 * chance.standard_normal(len(times))
    burst = round(0.03 * SAMPLE_RATE_HZ)
    at = 0
    while (at := at + round(chance.exponential(SAMPLE_RATE_HZ / KEYS_PER_SECOND))) < len(times) - burst:
        fading = np.exp(-np.arange(burst) / (SAMPLE_RATE_HZ * chance.uniform(0.003, 0.008)))
        samples[at : at + burst] += chance.standard_normal(burst) * fading * chance.uniform(0.2, 1)
    return samples


def _ring(times: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    rings = (times + chance.uniform(0, RING_EVERY_SECONDS)) % RING_EVERY_SECONDS < RINGS_SECONDS
    return _tones(times, RING_HZ) * rings


def _music(times: NDArray[np.float64], chance: np.random.Generator) -> NDArray[np.float64]:
    """Hold music: a chord each bar, a melody over it, and a drum."""
    samples = np.zeros(len(times))
    beat = 60 / chance.uniform(70, 130)
    key_hz = LOWEST_KEY_HZ * 2 ** (chance.integers(12) / 12)
    for number in range(int(len(times) / SAMPLE_RATE_HZ / beat)):
        start = round(number * beat * SAMPLE_RATE_HZ)
        if number % 4 == 0:
            for semitones in CHORDS[number // 4 % len(CHORDS)]:
                _play(samples, start, key_hz * 2 ** (semitones / 12), 4 * beat, 0.4)
        _play(
            samples, start, 2 * key_hz * 2 ** (chance.choice(SCALE) / 12), chance.choice([1, 2]) * beat, 1.0
        )
        drum = samples[start : start + SAMPLE_RATE_HZ // 10]
        drum += chance.standard_normal(len(drum)) * np.exp(-np.arange(len(drum)) / 300) * 0.5
    return samples


def _play(samples: NDArray[np.float64], start: int, hertz: float, seconds: float, loudness: float) -> None:
    note = samples[start : start + round(seconds * SAMPLE_RATE_HZ)]
    times = np.arange(len(note)) / SAMPLE_RATE_HZ
    for overtone in (1, 2, 3, 4):
        note += np.sin(2 * np.pi * hertz * overtone * times) / overtone * np.exp(-times * 3) * loudness


NOISES: dict[str, Noise] = {
    "silence": _noise(lambda times, _: np.zeros(len(times))),
    "white": _noise(lambda times, chance: colour(len(times), 0, chance)),
    "pink": _noise(lambda times, chance: colour(len(times), 1, chance)),
    "room": _noise(_room),
    "hum": _noise(_hum),
    "keyboard": _noise(_keyboard),
    "dial": _noise(lambda times, _: _tones(times, DIAL_HZ)),
    "ring": _noise(_ring),
    "music": _noise(_music),
}
