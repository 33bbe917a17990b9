"""The child that decodes cases, as the engine does: `python -m stress.decoding`, a path a line on stdin.

Answers each with a line of JSON. An audit hook records everything that Python opens meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from shared.errors import BadRecording
from tests.recordings import TONES_HZ, fmt, pcm, tones, wav
from transcribe_worker import memory
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, Mono, open_recording

MEMORY_GB = 1.0
#: Opened after Python has loaded its last module; strace's log is read from there on.
MARKER = "the-cases-begin-here"
LONGEST_PIECE = SAMPLE_RATE_HZ
WAVES = np.exp(-2j * np.pi * np.outer(TONES_HZ, np.arange(LONGEST_PIECE)) / SAMPLE_RATE_HZ).astype(
    np.complex64
)


class Watch:
    """Records what is opened while a case is decoded."""

    def __init__(self) -> None:
        self.opened: list[str] | None = None
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(
            arguments[0], int
        ):  # a descriptor that was opened by its name before
            return
        if event in ("open", "socket.connect", "subprocess.Popen") and self.opened is not None:
            self.opened.append(str(arguments[0]))


def main() -> None:
    if os.name == "posix":
        with contextlib.suppress(OSError):  # macOS has no such limit
            memory.limit(MEMORY_GB)
    watch = Watch()
    warm_up()
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        watch.opened = []
        outcome = decode(path)
        others = [name for name in watch.opened if name != str(path)]
        watch.opened = None
        print(json.dumps(outcome | {"others": others}), flush=True)


def decode(path: Path) -> dict[str, Any]:
    """Decode one file to its end; return the outcome."""
    try:
        with open_recording(path) as recording:
            frames, share = measure(recording.blocks())
            flags = recording.flags
    except BadRecording as error:
        return {"result": "refused", "code": error.code, "said": str(error)}
    except Exception as error:
        return {"result": "crashed", "said": f"{type(error).__name__}: {error}"}
    return {"result": "accepted", "seconds": frames / SAMPLE_RATE_HZ, "flags": flags, "tone_share": share}


def measure(blocks: Iterator[Mono]) -> tuple[int, float]:
    """Return the number of frames, and the share of their energy in the two tones, in [0, 1]."""
    frames, energy, tone_energy = 0, 1e-9, 0.0
    for block in blocks:
        assert np.isfinite(block).all(), "not a number"
        frames += len(block)
        energy += float(np.square(block, dtype=np.float64).sum())
        for piece in np.split(block, range(LONGEST_PIECE, len(block), LONGEST_PIECE)):
            tone_energy += float(2 * np.square(np.abs(WAVES[:, : len(piece)] @ piece)).sum() / len(piece))
    return frames, min(1.0, tone_energy / energy)


def warm_up() -> None:
    """Load everything that Python would load later."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / MARKER
        for content in (wav(fmt(rate=8_000), pcm(tones(8_000))), b"text"):
            path.write_bytes(content)
            decode(path)
    with contextlib.suppress(FileNotFoundError):
        path.open().close()


if __name__ == "__main__":
    main()
