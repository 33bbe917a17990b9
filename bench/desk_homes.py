"""Homes for measuring the desk: one with a call of eight hours, one with 10,000 records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

from bench.archive import Size, fill, vocabulary
from shared import home
from shared.settings import Settings
from shared.speakers import LOUDNESS, ME, THEM, Label
from shared.store.store import Store
from shared.store.transitions import COMPLETED
from shared.words import Segment, Word
from tests.tables import Record, use
from tests.voices import write_wav

SEED = 2026
HOURS, WORDS = 8.0, 80_000
SHORTEST, LONGEST = 3, 30
#: Seconds of noise that a player plays; the rest of the file is silence, which takes no time to make.
HEARD_SECONDS = 60
SAMPLE_RATE_HZ = 16_000
MANY_RECORDS, MANY_SEGMENTS = 10_000, 100_000


def long_call(folder: Path) -> Settings:
    """Make a home with one call of eight hours and 80,000 words, with labels, doubts and its recording."""
    settings = Settings(home=folder)
    home.prepare(settings)
    path = settings.inbox / "eight hours.wav"
    _write_recording(path)
    with Store.of_home(settings) as store:
        use(store)
        record = store.records.add(
            source="added", title="Eight hours", recording_path=str(path), duration_seconds=HOURS * 3600
        )
        segments, labels = _speech(Random(SEED))
        with store.transaction():
            store.transcripts.replace(record.id, segments)
            store.overlays.replace(record.id, labels, ())
            done = {"transcription_status": COMPLETED, "completed_at": time.time(), "progress": 1.0}
            Record.update(**done, language="en", model="tiny.en").where(Record.id == record.id).execute()
    return settings


def many_records(folder: Path) -> Settings:
    """Make a home with 10,000 records in every state."""
    settings = Settings(home=folder)
    fill(settings, Size(MANY_RECORDS, MANY_SEGMENTS, 0))
    return settings


def _speech(random: Random) -> tuple[list[Segment], list[Label]]:
    """Return sentences of words as frequent as in speech, and who says each."""
    segments: list[Segment] = []
    labels: list[Label] = []
    speaker = ME
    number = 0
    for words in _sentences(random):
        text = "".join(word.text for word in words).strip()
        doubts = ("repetition",) if random.random() < 0.01 else ()
        segments.append(Segment(words[0].start_ms, words[-1].end_ms, text, words, -0.2, 0.01, 1.2, doubts))
        if random.random() < 0.6:
            speaker = THEM if speaker == ME else ME
        last = number + len(words) - 1
        labels.append(Label(number, last, speaker, LOUDNESS, round(random.uniform(0.6, 1), 3)))
        number = last + 1
    return segments, labels


def _sentences(random: Random) -> Iterator[tuple[Word, ...]]:
    vocabulary_words = vocabulary()
    word_ms = HOURS * 3_600_000 / WORDS
    made = 0
    while made < WORDS:
        count = min(random.randint(SHORTEST, LONGEST), WORDS - made)
        chosen = [
            vocabulary_words[min(int(random.paretovariate(0.7)) - 1, len(vocabulary_words) - 1)]
            for _ in range(count)
        ]
        chosen[0], chosen[-1] = chosen[0].capitalize(), f"{chosen[-1]}."
        yield tuple(
            Word(
                round((made + place) * word_ms),
                round((made + place + 1) * word_ms) - 20,
                f" {word}",
                round(random.betavariate(8, 1), 3),
            )
            for place, word in enumerate(chosen)
        )
        made += count


def _write_recording(path: Path) -> None:
    samples = np.zeros(int(HOURS * 3600) * SAMPLE_RATE_HZ, np.float32)
    heard = HEARD_SECONDS * SAMPLE_RATE_HZ
    samples[:heard] = np.random.default_rng(SEED).normal(0, 0.05, heard)
    write_wav(path, samples)
