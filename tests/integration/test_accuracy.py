"""The yardstick of real speech runs in a short form, with the real model: every way has its figures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench import accuracy
from bench.accuracy import measure, recordings
from bench.accuracy_pages import pages, shown
from bench.mistakes import total
from bench.outcome import Result
from bench.real_speech import Clip
from bench.ways import DEFAULT, WAYS, Transcript, load
from tests.voices import LONG_CALL, SAMPLE_RATE_HZ, speak, write_wav

REAL_SPEECH = os.environ.get("OFFHOOK_REAL_SPEECH")  # tests have no such variable
#: A dozen short turns, of which one has no words that count.
TURNS = [turn for turn in LONG_CALL if len(turn.text.split()) <= 11][:12]
UNSURE = 4


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder like that of real recordings, of two kinds."""
    (tmp_path / "clips").mkdir()
    references, sources = [], ["file\tkind\tref_grade"]
    for number, turn in enumerate(TURNS):
        name, grade = f"{number}.wav", "C" if number == UNSURE else "A"
        write_wav(tmp_path / "clips" / name, speak([turn]).samples)
        references.append(f"{name}\t{turn.text}")
        sources.append(f"{name}\t{('read', 'telephone')[number % 2]}\t{grade}")
    (tmp_path / "refs.tsv").write_text("\n".join(references), "utf-8")
    (tmp_path / "sources.tsv").write_text("\n".join(sources), "utf-8")
    return tmp_path


def by_way(results: Sequence[Result]) -> dict[str, list[Result]]:
    return {way: [result for result in results if result.way == way] for way in WAYS}


def test_every_way_has_its_figures(
    folder: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = folder / "accuracy.md", folder / "accuracy.json"
    arguments = ("--real", folder, "--clips", 3, "--parts", "alone", "calls", "--model", bundled)
    files = ("--results", written[0], "--json", written[1])
    monkeypatch.setattr("sys.argv", ["accuracy", *map(str, (*arguments, *files))])
    accuracy.main()
    page = written[0].read_text("utf-8")
    assert page in capsys.readouterr().out
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| all")]
    assert [row[1] for row in rows] == [*WAYS, *WAYS]
    assert all(row[2] == "2" for row in rows[: len(WAYS)]), "one of three has no words that count"
    results = json.loads(written[1].read_text("utf-8"))["results"]
    assert {(it["part"], it["way"]) for it in results} == {(p, w) for p in ("alone", "calls") for w in WAYS}
    assert all(it["mistakes"]["words"] for it in results if it["is_judged"])


def test_careful_writes_a_dozen_recordings_and_calls_of_them_without_loops(
    folder: Path, bundled: Path
) -> None:
    clips = recordings([folder], parts=("alone", "calls"))
    assert [clip.part for clip in clips] == ["alone"] * 12 + ["calls"] * 2
    results = measure(load(bundled), clips, ["offhook careful"])
    assert [result.loops for result in results] == [()] * len(clips)
    assert all(result.judged for result in results if result.clip.is_judged)
    found = total(result.mistakes for result in results)
    assert found.words > 120
    assert found.rate < 0.05


def test_a_missing_folder_is_said_and_only_synthesised_speech_is_measured(
    tmp_path: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--real", tmp_path / "nowhere", "--clips", 1, "--ways", "offhook fast", "--parts", "alone")
    model = ("answers", "--model", bundled)
    monkeypatch.setattr("sys.argv", ["accuracy", *map(str, (*arguments, *model))])
    accuracy.main()
    printed = capsys.readouterr()
    assert "there is no folder nowhere" in printed.err
    assert "there is no folder nowhere" in printed.out
    assert "## Very short answers" in printed.out
    assert "## Real recordings" not in printed.out


def test_a_text_that_is_worse_than_the_default_is_shown_with_its_reference() -> None:
    clip = Clip("alone", "short", "a.wav", np.zeros(SAMPLE_RATE_HZ, np.float32), "give me your hands")
    texts = {DEFAULT: "Give me your hands.", "offhook fast": "Give me, give me, give me her hands."}
    results = [Result.of(clip, way, Transcript(text)) for way, text in texts.items()]
    printed = "\n".join(shown(results))
    assert "a.wav: 5 mistakes of offhook fast, 0 of the default; loop: give me" in printed
    assert "give me your hands" in printed
    assert "| all | offhook fast | 1 | 4 | 125.0 | +125.0 | 0 | 4 | 1 | 1 |" in "\n".join(pages(results))


@pytest.mark.skipif(not REAL_SPEECH, reason="OFFHOOK_REAL_SPEECH names no folder of real recordings")
def test_careful_writes_real_recordings_without_loops(bundled: Path) -> None:
    assert REAL_SPEECH
    clips = recordings([Path(REAL_SPEECH)], parts=("alone",), count=12)
    found = by_way(measure(load(bundled), clips, list(WAYS)))
    assert len(clips) == 12
    careful = [result for result in found["offhook careful"] if result.clip.is_judged]
    assert [result.loops for result in careful] == [()] * len(careful)
    assert all(
        len(results) == len(clips) and not all(it.is_empty for it in results) for results in found.values()
    )
