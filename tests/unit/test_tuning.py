"""What was measured is kept, and believed only as far as it holds here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from transcribe_worker.engine.setup import Machine, Wishes, on_cpu
from transcribe_worker.recognizer.tuning import EFFORTS, MOST_SECONDS, TuningFile, affordable, fastest, key

SETUPS = on_cpu(Wishes(), Machine(8), 75_000_000)
USUAL, OTHER, LAST = SETUPS[0], SETUPS[2], SETUPS[3]
KEY = "this machine"


def written(setups: object, version: object = 1) -> bytes:
    return json.dumps({"version": version, "setups": setups}).encode()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tuning.json"


def test_what_was_measured_is_found_again_and_is_its_owners_alone(path: Path):
    assert TuningFile(path).find(KEY, SETUPS) is None
    TuningFile(path).keep(KEY, OTHER, {OTHER.split: [1.23456], USUAL.split: [2.0, 3.0]})
    assert TuningFile(path).find(KEY, SETUPS) == OTHER
    assert json.loads(path.read_text())["setups"][KEY]["seconds"] == {
        OTHER.split: [1.235],
        USUAL.split: [2.0, 3.0],
    }
    if os.name != "nt":
        assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_another_machine_model_type_or_library_is_measured_for_itself(path: Path, tmp_path: Path):
    known = key(tmp_path, 5, Wishes(), 8)
    others = (
        key(tmp_path, 6, Wishes(), 8),
        key(tmp_path / "base", 5, Wishes(), 8),
        key(tmp_path, 5, Wishes(compute_type="int8"), 8),
        key(tmp_path, 5, Wishes(), 4),
    )
    TuningFile(path).keep(known, OTHER, {})
    assert TuningFile(path).find(known, SETUPS) == OTHER
    assert [TuningFile(path).find(other, SETUPS) for other in others] == [None] * 4
    TuningFile(path).keep(others[0], USUAL, {})
    assert TuningFile(path).find(known, SETUPS) == OTHER


def test_another_version_of_the_library_is_measured_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    known = key(tmp_path, 5, Wishes(), 8)
    monkeypatch.setattr("ctranslate2.__version__", "0.0.1")
    assert key(tmp_path, 5, Wishes(), 8) != known


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"[]", b"7", b"[" * 100_000, *(written({KEY: entry}) for entry in (
        None, 7, [], {}, {"split": None}, {"split": "3x3"}, {"split": ["4x2"]}, "4x2"
    ))],
)  # fmt: skip
def test_a_damaged_file_is_measured_again_and_written_anew(path: Path, content: bytes):
    path.write_bytes(content)
    assert TuningFile(path).find(KEY, SETUPS) is None
    TuningFile(path).keep(KEY, OTHER, {})
    assert TuningFile(path).find(KEY, SETUPS) == OTHER


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_a_file_of_another_version_is_measured_again(path: Path, version: object):
    path.write_bytes(written({KEY: {"split": OTHER.split}}, version))
    assert TuningFile(path).find(KEY, SETUPS) is None
    path.write_bytes(written({KEY: {"split": OTHER.split, "watts": 15}, "more": []}))
    assert TuningFile(path).find(KEY, SETUPS) == OTHER


def test_measuring_that_ended_the_engine_is_left_out_once(path: Path):
    TuningFile(path).begin(KEY)
    assert TuningFile(path).find(KEY, SETUPS) == USUAL
    assert TuningFile(path).find(KEY, SETUPS) is None


def test_a_file_that_cannot_be_written_only_means_measuring_again(tmp_path: Path):
    nowhere = TuningFile(tmp_path / "missing" / "tuning.json")
    nowhere.begin(KEY)
    nowhere.keep(KEY, OTHER, {})
    assert nowhere.find(KEY, SETUPS) is None


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({}, USUAL),
        ({USUAL.split: [1.0]}, USUAL),
        ({USUAL.split: [1.0, 1.0], OTHER.split: [0.95, 0.95]}, USUAL),  # by chance, perhaps
        ({USUAL.split: [1.0, 1.0], OTHER.split: [0.5]}, USUAL),
        ({USUAL.split: [1.0, 1.2], OTHER.split: [0.8, 0.85]}, OTHER),
        ({USUAL.split: [1.0, 1.2], OTHER.split: [0.5, 1.1]}, USUAL),  # once, the machine had other work
        ({USUAL.split: [2.0] * 2, OTHER.split: [0.9] * 2, LAST.split: [0.8] * 2}, LAST),
        ({OTHER.split: [0.8, 0.8]}, USUAL),
    ],
)
def test_the_usual_setup_stays_unless_another_is_clearly_faster(
    seconds: dict[str, list[float]], expected: Any
):
    assert fastest(SETUPS, seconds) == expected


def test_a_slow_model_is_measured_with_less_and_a_very_slow_one_not_at_all():
    careful, quick = EFFORTS
    left = MOST_SECONDS / 2
    assert affordable(left, 0.05, batches=2) == careful
    assert affordable(left, 0.5, batches=2) == quick
    assert affordable(left, 3.0, batches=2) is None
