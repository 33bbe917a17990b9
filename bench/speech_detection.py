"""Measures the speech found and the noise passed: `python -m bench.speech_detection`.

Compares the audio that the model gets in both presets with faster-whisper's use of Silero, at many levels
and over many kinds of noise. The truth is the energy of the speech before noise is added. The tables are
written to `bench/results/`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from faster_whisper.vad import get_speech_timestamps
from numpy.typing import NDArray

from bench.corpora import through_a_telephone
from bench.figures import table
from tests.noises import NOISES, Samples
from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, speak
from transcribe_worker.media.recording import open_recording
from transcribe_worker.recognition.presets import PRESETS, Preset
from transcribe_worker.speech.detection import detect_speech
from transcribe_worker.speech.stretches import stretches
from transcribe_worker.speech.windows import Span

RESULTS = Path(__file__).parent / "results" / "speech_detection.md"
LEVELS_DBFS = (-50, -40, -30, -20, -10)
FRAME = SAMPLE_RATE_HZ // 50
#: A frame is speech if it is not much fainter than the loud ones; half a second around it may go either way.
SPEECH_DB_BELOW, AROUND = 30.0, 25
VOICES_DB_APART = 24.0
PAUSES_SECONDS = (1.5, 6.0)
Frames = NDArray[np.bool_]


def by_offhook(preset: Preset, samples: Samples) -> list[Span]:
    """Return the windows that a preset gives to the model."""
    gap = round(preset.largest_gap_seconds * SAMPLE_RATE_HZ)
    longest = round(preset.longest_seconds * SAMPLE_RATE_HZ)
    found = stretches(iter([samples]), detect_speech, longest=longest, largest_gap=gap)
    return [Span(window.start, window.end) for stretch in found for window in stretch.windows]


def by_silero(samples: Samples) -> list[Span]:
    """Return the spans that `vad_filter=True` gives to it."""
    return [Span(span["start"], span["end"]) for span in get_speech_timestamps(samples)]


WAYS: dict[str, Callable[[Samples], list[Span]]] = {
    **{f"offhook {name}": partial(by_offhook, preset) for name, preset in PRESETS.items()},
    "Silero as it comes": by_silero,
}


@dataclass(frozen=True)
class Speech:
    """Clean speech, and the frames in which somebody speaks."""

    samples: Samples
    spoken: Frames

    @property
    def elsewhere(self) -> Frames:
        """The frames without speech, except those near speech."""
        near = np.convolve(self.spoken, np.ones(2 * AROUND + 1), mode="same")
        return np.asarray(near < 0.5)

    def at(self, dbfs: float) -> Samples:
        """Return the speech at a level, measured over the frames with speech."""
        level = np.sqrt(np.mean(_frames(self.samples)[self.spoken]))
        return np.asarray(self.samples * (10 ** (dbfs / 20) / level), np.float32)


def truth(samples: Samples) -> Frames:
    """Return the frames of clean samples in which somebody speaks."""
    energy = _frames(samples)
    loud = np.percentile(energy[energy > 0], 90)
    return energy > loud * 10 ** (-SPEECH_DB_BELOW / 10)


def a_call(turns: int) -> Speech:
    """Return two synthetic voices, with pauses."""
    samples = speak(LONG_CALL[:turns], pause_seconds=PAUSES_SECONDS).samples
    return Speech(samples, truth(samples))


def real_speech(folder: Path) -> Speech:
    """Join the recordings of a folder, with pauses."""
    pauses = np.random.default_rng(1)
    pieces, spoken = [], []
    for path in sorted(folder.glob("*.wav")):
        pause = np.zeros(round(pauses.uniform(*PAUSES_SECONDS) * 50) * FRAME, np.float32)
        with open_recording(path) as recording:
            heard = np.concatenate(list(recording.blocks()))
        heard = heard[: len(heard) // FRAME * FRAME]
        pieces += [pause, heard]
        spoken += [np.zeros(len(pause) // FRAME, bool), truth(heard)]
    return Speech(np.concatenate(pieces), np.concatenate(spoken))


def _clean(samples: Samples, dbfs: float) -> Samples:
    return samples


def _over(noise: str, below_db: float, samples: Samples, dbfs: float) -> Samples:
    return samples + NOISES[noise](len(samples) / SAMPLE_RATE_HZ, dbfs - below_db, 1)


def _telephone(samples: Samples, dbfs: float) -> Samples:
    return through_a_telephone(_over("white", 20, samples, dbfs))


#: The noise around the speech, in decibels below it.
FLOORS: dict[str, Callable[[Samples, float], Samples]] = {
    "nothing": _clean,
    **{f"{name}, {db} dB": partial(_over, name, db) for name in ("white", "room") for db in (20, 10)},
    "telephone, 20 dB": _telephone,
}
#: The noise around two voices, in decibels below the louder one.
CALL_FLOORS: dict[str, Callable[[Samples, float], Samples]] = {
    "nothing": _clean,
    **{f"{name}, {db} dB": partial(_over, name, db) for name in ("white", "room") for db in (50, 40, 34)},
}


@dataclass(frozen=True)
class Found:
    """The result of one detector: shares in percent, seconds a minute."""

    speech_percent: float
    noise_seconds: float


def measured(way: Callable[[Samples], list[Span]], samples: Samples, speech: Speech) -> Found:
    """Compare a detector's spans with the truth."""
    handed = _covered(way(as_recorded(samples)), len(speech.spoken))
    elsewhere = handed[speech.elsewhere]
    return Found(
        100 * float(handed[speech.spoken].mean()), 60 * float(elsewhere.mean()) if len(elsewhere) else 0
    )


def as_recorded(samples: Samples) -> Samples:
    """Round the samples as a 16-bit WAV does."""
    return (np.round(np.clip(samples, -1, 1) * 32767) / 32768).astype(np.float32)


def _frames(samples: Samples) -> NDArray[np.float64]:
    energy: NDArray[np.float64] = np.square(
        samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME), dtype=np.float64
    ).mean(axis=1)
    return energy


def _covered(spans: Iterable[Span], frames: int) -> Frames:
    covered = np.zeros(frames, bool)
    for span in spans:
        covered[span.start // FRAME : -(-span.end // FRAME)] = True
    return covered


def speech_pages(title: str, speech: Speech) -> Iterator[str]:
    """Yield the share of speech found, and of other sound, at every level over every noise."""
    found: dict[tuple[str, str], list[Found]] = {}
    for floor, around in FLOORS.items():
        heard = [around(speech.at(dbfs), dbfs) for dbfs in LEVELS_DBFS]
        for name, way in WAYS.items():
            found[floor, name] = [measured(way, samples, speech) for samples in heard]
    head = ["noise, below the speech", "way", *(f"{dbfs} dBFS" for dbfs in LEVELS_DBFS)]
    yield f"## {title}: % of the speech found\n"
    yield table(head, ([*who, *(f"{it.speech_percent:.1f}" for it in row)] for who, row in found.items()))
    yield f"## {title}: seconds handed to the model of a minute in which nobody speaks\n"
    yield table(head, ([*who, *(f"{it.noise_seconds:.1f}" for it in row)] for who, row in found.items()))


def two_voices_page(turns: int, dbfs: float = -20.0) -> Iterator[str]:
    """Yield the share found of a voice far below the other."""
    call = speak(LONG_CALL[:turns], pause_seconds=(0.3, 1.5))
    faint, samples = np.zeros(len(call.samples), bool), Speech(call.samples, truth(call.samples)).at(dbfs)
    starts = [round(at * SAMPLE_RATE_HZ) for at in (*call.starts_seconds, call.duration_seconds)]
    for turn, start, end in zip(call.turns, starts[:-1], starts[1:], strict=True):
        faint[start:end] = turn.speaker == "joe"
    samples = np.where(faint, samples * 10 ** (-VOICES_DB_APART / 20), samples).astype(np.float32)
    everybody = Speech(samples, truth(call.samples))
    his = replace(everybody, spoken=everybody.spoken & faint[: len(everybody.spoken) * FRAME : FRAME])
    yield f"## Two voices, one {VOICES_DB_APART:.0f} dB below the other: % of the faint one found\n"
    yield table(
        ["noise, below the louder voice", *WAYS],
        (
            [
                floor,
                *(f"{measured(way, around(samples, dbfs), his).speech_percent:.1f}" for way in WAYS.values()),
            ]
            for floor, around in CALL_FLOORS.items()
        ),
    )


def noise_page(minutes: float) -> Iterator[str]:
    """Yield the share of noises that is passed."""
    yield "## Nobody speaks: seconds a minute handed to the model\n"
    rows = []
    for name, make in NOISES.items():
        noises = [as_recorded(make(60 * minutes, dbfs, 1)) for dbfs in LEVELS_DBFS]
        rows += [
            [name, way, *(f"{_seconds(found(it)) / minutes:.1f}" for it in noises)]
            for way, found in WAYS.items()
        ]
    yield table(["noise", "way", *(f"{dbfs} dBFS" for dbfs in LEVELS_DBFS)], rows)


def _seconds(spans: Iterable[Span]) -> float:
    return sum(span.end - span.start for span in spans) / SAMPLE_RATE_HZ


def pages(options: argparse.Namespace) -> Iterator[str]:
    """Yield all tables."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("faster-whisper", "onnxruntime", "numpy"))
    yield f"# Speech detection\n\n{libraries}\n"
    yield from two_voices_page(options.turns)
    yield from speech_pages("Synthetic voices", a_call(options.turns))
    if options.audio:
        yield from speech_pages("Real voices", real_speech(options.audio))
    yield from noise_page(options.minutes)


def main() -> None:
    printed = []
    for page in pages(_options()):
        print(page, flush=True)
        printed.append(page)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(printed), "utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--turns", type=int, default=12, help="of the synthetic call")
    parser.add_argument("--minutes", type=float, default=2.0, help="of each noise alone")
    parser.add_argument("--audio", type=Path, help="a folder with WAVs of clean speech")
    return parser.parse_args()


if __name__ == "__main__":
    main()
