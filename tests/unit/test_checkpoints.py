"""Checkpoints of PyTorch are read without it, and nothing in them is run."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.checkpoints import checkpoint
from transcribe_worker.checkpoints import DamagedCheckpoint, tensors

ARRAYS = {
    "weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "bias": np.array([0.5, -0.5], np.float32),
}
WHOLE = checkpoint("model_state", ARRAYS)


class Calls:
    """Something whose unpickling calls a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def test_the_tensors_of_a_checkpoint_are_read():
    found = tensors(io.BytesIO(WHOLE), "model_state")
    assert {name: tensor.shape for name, tensor in found.items()} == {"weight": (2, 3), "bias": (2,)}
    for name, array in ARRAYS.items():
        assert found[name].content == array.tobytes()


@pytest.mark.parametrize("function", [os.system, eval, os.mkdir, print, getattr, Path])
def test_a_checkpoint_that_asks_for_anything_else_is_refused(function: Any, tmp_path: Path):
    target = tmp_path / "made"
    damaged = checkpoint("model_state", ARRAYS, Calls(function, f"{target}"))
    with pytest.raises(DamagedCheckpoint, match=r"It asks for \w+\.\w+, which no tensor needs\."):
        tensors(io.BytesIO(damaged), "model_state")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [0, 10, 100, len(WHOLE) // 2, len(WHOLE) - 1])
def test_a_checkpoint_that_is_cut_off_is_damaged(length: int):
    with pytest.raises(DamagedCheckpoint):
        tensors(io.BytesIO(WHOLE[:length]), "model_state")


def test_other_files_are_no_checkpoints():
    for content in (b"PK\x03\x04 a newer format", b"\x80\x02N.", b"text"):
        with pytest.raises(DamagedCheckpoint):
            tensors(io.BytesIO(content), "model_state")


def test_a_checkpoint_without_the_part_is_damaged():
    with pytest.raises(DamagedCheckpoint):
        tensors(io.BytesIO(WHOLE), "optimizer_state")


def test_a_tensor_that_is_not_in_rows_is_refused():
    turned = checkpoint("model_state", {"weight": ARRAYS["weight"].T})
    with pytest.raises(DamagedCheckpoint, match="not in rows"):
        tensors(io.BytesIO(turned), "model_state")
