"""Folders of recordings with their words are read, and recordings of a kind become calls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.answers import ALONE, AROUND_SECONDS, BETWEEN, NOISE_DBFS, SECONDS, answers
from bench.real_speech import PAUSES_SECONDS, Clip, calls, evenly, read_folder
from tests.voices import SAMPLE_RATE_HZ, trimmed, write_wav


def clip(kind: str, name: str, seconds: float = 1.0, *, is_judged: bool = True) -> Clip:
    samples = np.full(round(seconds * SAMPLE_RATE_HZ), 0.5, np.float32)
    return Clip("alone", kind, name, samples, name, is_judged)


def folder_with(path: Path, sources: str) -> Path:
    (path / "clips").mkdir()
    for name in ("a.wav", "b.wav"):
        write_wav(path / "clips" / name, np.full(SAMPLE_RATE_HZ, 0.25, np.float32))
    (path / "refs.tsv").write_text('a.wav\tgood morning\nb.wav\the said "yes\n', "utf-8")
    (path / "sources.tsv").write_text(sources, "utf-8")
    return path


def test_a_folder_gives_kind_words_and_samples_and_grade_c_is_not_judged(tmp_path: Path) -> None:
    head = "file\tkind\tseconds\tref_grade\n"
    folder = folder_with(tmp_path, f"{head}b.wav\tshort\t1\tC\na.wav\ttelephone\t1\tA\n")
    first, second = read_folder(folder)
    assert (first.kind, first.words, first.is_judged) == ("telephone", "good morning", True)
    assert (second.kind, second.words, second.is_judged) == ("short", 'he said "yes', False)
    assert first.seconds == 1
    assert np.allclose(first.samples, 0.25, atol=1e-4)


def test_a_recording_without_a_kind_is_named(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "file\tkind\tref_grade\na.wav\ttelephone\tA\n")
    with pytest.raises(ValueError, match=r"no line for b\.wav"):
        list(read_folder(folder))


def test_recordings_of_a_kind_become_calls_with_pauses_in_their_order() -> None:
    clips = [clip("short", "one"), clip("long", "alone"), clip("short", "two"), clip("short", "three")]
    (call,) = calls(clips)
    assert (call.part, call.kind, call.words) == ("calls", "short", "one two three")
    heard = call.samples > 0
    assert heard.sum() == 3 * SAMPLE_RATE_HZ
    starts = np.flatnonzero(np.diff(heard.astype(int)) == 1) + 1
    pauses = np.diff([-SAMPLE_RATE_HZ, *starts]) / SAMPLE_RATE_HZ - 1
    assert ((pauses >= PAUSES_SECONDS[0]) & (pauses <= PAUSES_SECONDS[1])).all()
    assert np.array_equal(call.samples, next(iter(calls(clips))).samples)


def test_a_long_call_becomes_several_and_what_is_not_judged_is_in_none() -> None:
    clips = [clip("short", str(number), 10, is_judged=number != 2) for number in range(7)]
    assert [call.words for call in calls(clips, seconds=30)] == ["0 1 3", "4 5 6"]


def test_a_subset_is_taken_evenly_from_begin_to_end() -> None:
    clips = [clip("short", str(number)) for number in range(10)]
    assert [it.name for it in evenly(clips, 4)] == ["0", "2", "5", "7"]
    assert evenly(clips, None) == clips == evenly(clips, 99)


def test_answers_are_short_and_stand_alone_and_between_pauses_of_quiet_noise() -> None:
    real = [
        clip("short", "today", 0.5),
        clip("short", "too long", 0.7),
        clip("short", "unsure", 0.5, is_judged=False),
    ]
    found = answers(real)
    alone, between = ([it for it in found if it.kind == kind] for kind in (ALONE, BETWEEN))
    assert len(alone) == len(between) > 15
    assert all(SECONDS[0] <= it.seconds <= SECONDS[1] for it in alone)
    assert all(10 <= it.seconds <= 41 for it in between)
    assert {it.name for it in alone} & {"today", "too long", "unsure"} == {"today"}
    level = 20 * np.log10(np.sqrt(np.mean(np.square(between[0].samples[: 4 * SAMPLE_RATE_HZ]))))
    assert NOISE_DBFS - 10 < level <= NOISE_DBFS, "the loudest second has the level"


def test_silence_around_an_answer_is_cut() -> None:
    samples = np.zeros(SAMPLE_RATE_HZ, np.float32)
    samples[4_000:8_000] = 0.5
    assert len(trimmed(samples, AROUND_SECONDS)) == pytest.approx(4_000 + 2 * 320, abs=2)
