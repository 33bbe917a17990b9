"""Writes the copy of a recording that every browser plays: AAC in an MP4, 16 kHz.

Chromium, Firefox and Safari play it, and seek in it exactly, as its header lists every frame. The header is
at the beginning, so that playing begins before the whole is read. The samples are those that the engine
hears: gaps are filled and several tracks are mixed, so that times are those of the transcript.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from transcribe_worker.media.recording import SAMPLE_RATE_HZ

#: For each channel. Speech at 16 kHz sounds as the original does; an hour takes 29 MB.
BITS_PER_SECOND = 64_000
#: FFmpeg's quicker way to distribute the bits takes half of the time.
CODER = {"aac_coder": "fast"}

Block = NDArray[np.float32]


def written(blocks: Iterator[Block], path: Path) -> Iterator[Block]:
    """Pass blocks on, shape (frames,) or (2, frames), and write them; the file is whole after the last one.

    Raises OSError, such as for a full disk.
    """
    stream: AudioStream | None = None
    at = 0
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        for block in blocks:
            rows = np.atleast_2d(block)
            if stream is None:
                stream = output.add_stream(
                    "aac", rate=SAMPLE_RATE_HZ, layout="stereo" if len(rows) == 2 else "mono", options=CODER
                )
                stream.bit_rate = BITS_PER_SECOND * len(rows)
            output.mux(stream.encode(_frame(rows, at)))
            at += rows.shape[1]
            yield block
        if stream is not None:
            output.mux(stream.encode(None))
    _sync(path)


def _frame(rows: Block, at: int) -> av.AudioFrame:
    layout = "stereo" if len(rows) == 2 else "mono"
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(rows), format="fltp", layout=layout)
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, at, Fraction(1, SAMPLE_RATE_HZ)
    return frame


def _sync(path: Path) -> None:
    with path.open("r+b") as file:
        os.fsync(file.fileno())
