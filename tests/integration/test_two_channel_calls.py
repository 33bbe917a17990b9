"""Calls with a side on each channel, decoded by a real engine: each side's words, also after a crash."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shared.errors import EngineCrashed
from shared.loudness import echo_of
from shared.settings import RecordOptions
from shared.store.claims import Claim
from shared.store.store import Store
from shared.store.transcripts import Window
from shared.words import Segment
from tests.integration.records.operations import claim
from tests.integration.test_engine import choice, nothing, pid_of, posix_only
from tests.two_channels import Pair, TwoSides, echoing, talk, with_noise, write_pair
from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, SHORT_CALL, word_error_rate, write_wav
from transcribe_worker.engine.messages import Decoded, Done, Job, Levels
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.progress import Progress
from transcribe_worker.recognizer.channels import apart

OPTIONS = RecordOptions()
SHORT = talk(SHORT_CALL)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with closing(Engine(silence_seconds=60.0)) as engine:
        yield engine


@pytest.fixture(scope="module")
def call() -> TwoSides:
    """More than a stretch of a call, with interruptions."""
    return talk(LONG_CALL[:14], over_seconds=0.5)


def said(
    engine: Engine, path: Path, *, is_split: bool = False, options: RecordOptions = OPTIONS
) -> list[Segment]:
    engine.load(choice())
    events = engine.transcribe(Job(path, options, is_split=is_split), nothing)
    return [
        segment
        for event in events
        if isinstance(event, Decoded)
        for window in event.windows
        for segment in window.segments
    ]


def text(segments: list[Segment], channel: int | None) -> str:
    return " ".join(segment.text for segment in segments if segment.channel == channel)


def test_each_side_is_decoded_alone_also_where_both_talk(
    engine: Engine, call: TwoSides, tmp_path: Path
) -> None:
    found = said(engine, write_pair(tmp_path / "call.wav", with_noise(call.samples)))
    assert {segment.channel for segment in found} == {0, 1}
    for channel in (0, 1):
        assert word_error_rate(call.words[channel], text(found, channel)) < 0.02


@pytest.mark.parametrize("sign", [1, -1])
def test_equal_or_inverse_channels_are_decoded_once(engine: Engine, tmp_path: Path, sign: int) -> None:
    voices = SHORT.samples.sum(axis=0)
    both = np.stack([voices, sign * voices])
    found = said(engine, write_pair(tmp_path / "copy.wav", with_noise(both, 70)))
    assert {segment.channel for segment in found} == {None}
    assert word_error_rate(" ".join(turn.text for turn in SHORT_CALL), text(found, None)) < 0.1


def test_a_channel_without_a_voice_says_nothing(engine: Engine, tmp_path: Path) -> None:
    voices = SHORT.samples.sum(axis=0)
    both = with_noise(np.stack([0 * voices, voices]), 60)
    alone = write_pair(tmp_path / "alone.wav", both)
    write_wav(mono := tmp_path / "mono.wav", both[1])
    assert said(engine, alone) == said(engine, mono)
    split = said(engine, alone, is_split=True)
    assert {segment.channel for segment in split} == {1}
    assert [replace(segment, channel=None) for segment in split] == said(engine, mono)


def test_a_split_call_has_two_sides_however_strong_its_echo_is(engine: Engine, tmp_path: Path) -> None:
    path = write_pair(tmp_path / "echo.wav", echoing(SHORT.samples, -1, 40))
    assert {segment.channel for segment in said(engine, path, is_split=True)} == {0, 1}


def test_the_microphone_of_a_split_call_has_its_own_words_alone_where_the_echo_is_removed(
    engine: Engine, tmp_path: Path
) -> None:
    path = write_pair(tmp_path / "echo.wav", with_noise(echoing(SHORT.samples, -6, 40, room_seconds=0.2)))
    with_echo, without = (
        word_error_rate(SHORT.words[0], text(said(engine, path, is_split=True, options=options), 0))
        for options in (replace(OPTIONS, echo_removal=False), OPTIONS)
    )
    assert with_echo > 0.3
    assert without < 0.1


@pytest.fixture
def claimed(store: Store) -> Claim:
    record = store.records.add(source="added", title="call", recording_path="/call.wav")
    return claim(store, record)


def committed(
    engine: Engine, store: Store, claimed: Claim, path: Path, *, killed_after: int | None = None
) -> Progress:
    """Commit what an engine decodes until it is done, or is killed after so many stretches."""
    engine.load(choice())
    progress = Progress(store, claimed, 60.0)
    stretches = 0
    for event in engine.transcribe(progress.job(path, OPTIONS), nothing):
        progress.note(event)
        stretches += isinstance(event, Decoded)
        if stretches == killed_after:
            os.kill(pid_of(engine), signal.SIGKILL)
    return progress


def kept(store: Store, claimed: Claim) -> list[Window]:
    return store.transcripts.windows(claimed.record.id)


@posix_only
def test_an_engine_killed_after_any_stretch_ends_as_if_undisturbed(
    engine: Engine, call: TwoSides, store: Store, tmp_path: Path
) -> None:
    path = write_pair(tmp_path / "call.wav", with_noise(call.samples))
    records = [
        claim(store, store.records.add(source="added", title=name, recording_path=f"/{name}.wav"))
        for name in ("undisturbed", "killed")
    ]
    undisturbed, killed = records
    whole = committed(engine, store, undisturbed, path)
    for after in (1, 2):
        with pytest.raises(EngineCrashed):
            committed(engine, store, killed, path, killed_after=after)
        before = kept(store, killed)
    assert before
    assert whole.findings.waveform(None)
    resumed = committed(engine, store, killed, path)
    assert resumed.findings.levels == whole.findings.levels
    assert resumed.findings.waveform(None) == whole.findings.waveform(None)
    assert kept(store, killed) == kept(store, undisturbed)
    assert set(before) < set(kept(store, undisturbed))


def test_levels_and_echo_of_both_sides_come_with_the_words(
    engine: Engine, store: Store, claimed: Claim, tmp_path: Path
) -> None:
    samples = echoing(SHORT.samples, -12, 80)
    progress = committed(engine, store, claimed, write_pair(tmp_path / "call.wav", samples))
    found = progress.findings.levels
    assert found
    seconds = samples.shape[1] // SAMPLE_RATE_HZ
    assert len(found.microphone) == len(found.loopback) == 50 * seconds
    echoes = [echo_of(found, second) for second in range(seconds)]
    lags = [echo[1] for echo in echoes if echo and echo[0] > 0.8]
    assert len(lags) >= 5
    assert set(lags) <= {79, 80, 81}


def test_a_recording_that_an_earlier_version_has_begun_as_one_stays_one(
    engine: Engine, store: Store, claimed: Claim, call: TwoSides, tmp_path: Path
) -> None:
    store.claims.save_windows(claimed, [Window(0.0, 20.0, 0.0, ())])
    path = write_pair(tmp_path / "call.wav", call.samples)
    committed(engine, store, claimed, path)
    assert {window.channel for window in kept(store, claimed)} == {None}


def test_progress_is_that_of_both_channels(store: Store, claimed: Claim) -> None:
    progress = Progress(store, claimed, 60.0)
    progress._duration_seconds = 100.0
    shown = []
    for start, end, channel in ((0, 40, 0), (0, 40, 1), (40, 100, 0), (40, 100, 1)):
        progress.note(Decoded(start, end, "en", channel=channel))
        shown.append(store.records.get(claimed.record.id).progress)
    assert shown == [0.2, 0.4, 0.7, 0.99]


def test_without_all_levels_there_are_none(store: Store, claimed: Claim) -> None:
    progress = Progress(store, claimed, 60.0)
    assert progress.findings.levels is None
    progress.note(Levels(50, "ff", "28", "ff32"))
    assert progress.findings.levels is None
    progress.note(Levels(50, "00", "01", "0000"))
    progress.note(Done(0.04))
    assert progress.findings.levels is not None
    assert progress.findings.levels.microphone == b"\xff\x00"


def test_samples_are_read_once_for_both(call: TwoSides) -> None:
    blocks: list[Pair] = [call.samples[:, start : start + 8_000] for start in range(0, 80_000, 8_000)]
    taken: list[int] = []

    def reading() -> Iterator[Pair]:
        for number, block in enumerate(blocks):
            taken.append(number)
            yield block

    first, second = apart(reading(), [0, 20_000])
    np.testing.assert_array_equal(np.concatenate(list(first)), call.samples[0, :80_000])
    np.testing.assert_array_equal(np.concatenate(list(second)), call.samples[1, 20_000:80_000])
    assert taken == list(range(len(blocks)))
