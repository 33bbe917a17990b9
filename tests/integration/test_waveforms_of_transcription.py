"""A recording that is transcribed has a waveform without being read again for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shared.files import sha256_of
from shared.settings import Settings
from shared.store.store import Store
from shared.store.waveforms import Waveform
from tests.stage import Stage
from tests.voices import SAMPLE_RATE_HZ
from transcribe_worker.engine.preparation import Preparation, Wanted
from transcribe_worker.speech.peaks import PeakMeter, as_bytes


def test_the_peaks_are_those_that_the_desk_would_have_measured(stage: Stage, short_wav: Path) -> None:
    done = stage.offhook("transcribe", short_wav)
    assert done.returncode == 0, done.stderr
    preparation = Preparation(Wanted(short_wav))
    sides = b"".join(found.peaks[0] for found in preparation.events())
    preparation.end()
    with Store.of_home(Settings(home=stage.home)) as store:
        (record,) = store.records.every()
        assert store.waveforms.find(record.id) == Waveform(20, (sides,), sha256_of(short_wav))


def test_blocks_of_any_length_have_the_same_peaks() -> None:
    samples = np.random.default_rng(0).uniform(-1, 1, (2, 3 * SAMPLE_RATE_HZ + 100)).astype(np.float32)
    expected, found = PeakMeter(2), PeakMeter(2)
    expected.add(samples)
    for block in np.array_split(samples, 17, axis=1):
        found.add(block)
    expected.end()
    found.end()
    assert expected.seconds == 3.05
    assert expected.take() == found.take()


def test_a_peak_is_written_in_half_decibels() -> None:
    peaks = np.array([1.0, 0.5, 10 ** (-60 / 20), 0.0], np.float32)
    assert list(as_bytes(peaks)) == [255, 243, 135, 0]
