"""Calls with a side on each channel, whose words are known: overlaps, crosstalk, echo, levels.

Shape (2, frames), float32, 16 kHz: laura on the first channel, joe on the second.
"""

from __future__ import annotations

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.noises import Samples, colour
from tests.voices import SAMPLE_RATE_HZ, Turn, speak

Pair = NDArray[np.float32]
CHANNELS = {"laura": 0, "joe": 1}
SPEECH_LEVEL = 0.35


@dataclass(frozen=True)
class TwoSides:
    """Both channels of a call, and what is said on each."""

    samples: Pair
    words: tuple[str, str]

    @property
    def all_words(self) -> str:
        return " ".join(self.words)


def talk(
    turns: Sequence[Turn],
    *,
    pause_seconds: tuple[float, float] = (0.3, 1.2),
    over_seconds: float = 0.0,
    seed: int = 1,
) -> TwoSides:
    """Speak turns, each a pause after the last, or over its last `over_seconds` if there are any."""
    chance = np.random.default_rng(seed)
    placed: list[tuple[int, int, Samples]] = []
    end = 0
    for turn in turns:
        speech = speak([turn], pause_seconds=(0.0, 0.0)).samples * np.float32(SPEECH_LEVEL)
        pause = -min(over_seconds, len(speech) / SAMPLE_RATE_HZ / 2, end / SAMPLE_RATE_HZ)
        start = end + round((pause or chance.uniform(*pause_seconds)) * SAMPLE_RATE_HZ)
        placed.append((CHANNELS[turn.speaker], start, speech))
        end = max(end, start + len(speech))
    samples = np.zeros((2, (end // SAMPLE_RATE_HZ + 1) * SAMPLE_RATE_HZ), np.float32)
    for channel, start, speech in placed:
        samples[channel, start : start + len(speech)] += speech
    said = [" ".join(turn.text for turn in turns if CHANNELS[turn.speaker] == side) for side in (0, 1)]
    return TwoSides(samples, (said[0], said[1]))


def with_noise(samples: Pair, below_full_scale_db: float = 60.0, seed: int = 7) -> Pair:
    """Add noise of its own to each channel, at this level."""
    chance = np.random.default_rng(seed)
    noise = np.stack([colour(samples.shape[1], -1.0, chance) for _ in samples])
    noise *= 10 ** (-below_full_scale_db / 20) / np.sqrt(np.square(noise).mean(axis=1, keepdims=True))
    return (samples + noise).astype(np.float32)


def leaking(samples: Pair, to_first_db: float | None, to_second_db: float | None = None) -> Pair:
    """Add each side to the other channel, this much changed in level: crosstalk of an amplifier or a line."""
    first, second = samples
    gains = [0.0 if db is None else 10 ** (db / 20) for db in (to_first_db, to_second_db)]
    return np.stack([first + gains[0] * second, second + gains[1] * first]).astype(np.float32)


def echoing(
    samples: Pair, gain_db: float, lag_ms: float, *, room_seconds: float = 0.0, seed: int = 5
) -> Pair:
    """Add the second side to the first channel as a loudspeaker does: later, and through a room."""
    first, second = samples
    lag = round(lag_ms / 1000 * SAMPLE_RATE_HZ)
    path = _room(room_seconds, seed)
    echo = np.fft.irfft(np.fft.rfft(second, 2 * len(second)) * np.fft.rfft(path, 2 * len(second)))[
        : len(second)
    ]
    echo = np.concatenate([np.zeros(lag), echo])[: len(second)]
    return np.stack([first + 10 ** (gain_db / 20) * echo, second]).astype(np.float32)


def write_pair(path: Path, samples: Pair, rate_hz: int = SAMPLE_RATE_HZ) -> Path:
    """Write a 16-bit stereo WAV; what is over full scale is clipped."""
    pcm = np.round(np.clip(samples.T, -1, 1) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(pcm.tobytes())
    return path


def _room(seconds: float, seed: int) -> NDArray[np.float64]:
    """Return the impulse response of a room: the direct sound, then noise that fades by 60 dB."""
    if not seconds:
        return np.ones(1)
    frames = round(seconds * SAMPLE_RATE_HZ)
    fading = np.random.default_rng(seed).standard_normal(frames) * 10 ** (-3 * np.arange(frames) / frames)
    fading *= 0.5 / np.sqrt(np.square(fading).sum())
    fading[0] = 1.0
    return fading / np.sqrt(np.square(fading).sum())
