"""Mel frames to embeddings: a network in an ONNX file, run by ONNX Runtime.

The file takes one input, float32 of shape (pieces, 160, 40): pieces of 1.6 s as `mels` makes them, brought to
-30 dBFS. It gives float32 of shape (pieces, any length), in which voices that are alike have a large product.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from shared.errors import EngineFailed
from transcribe_worker.voices.mels import BANDS

Floats = NDArray[np.float32]
#: Frames of a piece, 10 ms each, as the network was trained with.
PIECE_FRAMES = 160


class VoiceNetwork:
    """A network that turns pieces of speech into embeddings. Raises EngineFailed if its file is unusable."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # all cores decode meanwhile
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
            self._input = self._session.get_inputs()[0].name
            self.embeddings(np.zeros((1, PIECE_FRAMES, BANDS), np.float32))
        except Exception as error:  # ONNX Runtime has an exception for each of its codes
            raise EngineFailed(
                f"The network that tells voices apart cannot be read from {path}. Run: offhook models pull "
                "voices; or set voices to false."
            ) from error

    def embeddings(self, mels: Floats) -> Floats:
        """Return an embedding of length 1 for each piece, shape (pieces, length)."""
        (found,) = self._session.run(None, {self._input: mels})
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        embeddings: Floats = found / np.maximum(lengths, 1e-9)
        return embeddings
