"""Mel frames to embeddings: a network in an ONNX file, run by ONNX Runtime.

The file takes float32 of shape (pieces, 160, 40): pieces of 1.6 s as `mels` makes them, brought to -30 dBFS.
It gives float32 of shape (pieces, 2, length): embeddings of length 1 of the first half of each piece and of
all of it; the length is 256 in the network that offhook fetches.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from shared.errors import EngineFailed
from transcribe_worker.voice_network import BANDS, FRAMES

Floats = NDArray[np.float32]
#: Ticks of 0.1 s of a piece that the embeddings are of.
PARTS = (8, 16)


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
            self.embeddings(np.zeros((1, FRAMES, BANDS), np.float32))
        except Exception as error:  # ONNX Runtime has an exception for each of its codes
            raise EngineFailed(
                f"The network that tells voices apart cannot be read from {path}. Run: offhook models pull "
                "voices; or set voices to false."
            ) from error

    def embeddings(self, mels: Floats) -> Floats:
        """Return the embeddings of pieces, shape (pieces, 2, length)."""
        found: Floats = self._session.run(None, {self._input: mels})[0]
        return found
