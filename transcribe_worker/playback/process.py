"""The process that reads a recording for the desk: from its command to its last event."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray

from shared import priority, streams
from shared.errors import OffhookError, in_words
from shared.privacy import forbid_core_dumps, stop_telemetry
from transcribe_worker import memory
from transcribe_worker.engine.preparation import Measured, Wanted
from transcribe_worker.media.recording import SAMPLE_RATE_HZ, Recording, open_recording
from transcribe_worker.playback.copying import written
from transcribe_worker.speech.peaks import TICKS_PER_SECOND, PeakMeter, measured
from transcribe_worker.speech.sides import Sides, sides

#: Peaks are sent for this much of the recording together.
SENT_SECONDS = 60
#: Above what the libraries take: the header of a copy of 24 hours takes 0.1 GB.
MEMORY_GB = 2.0

Block = NDArray[np.float32]


def main() -> int:
    """Run one command from stdin; stdout has events alone. Returns the exit code."""
    stop_telemetry()
    forbid_core_dumps()
    streams.complete()
    priority.lower()
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries that print go to stderr
    line = sys.stdin.readline()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        memory.limit(MEMORY_GB)
        for found in prepared(Wanted.from_json(line)):
            _send(events, found.as_json())
    except OffhookError as error:
        _send(events, {"error": str(error)})
    except Exception as error:  # of a codec, of the disk
        _send(events, {"error": f"{in_words(error)}."})
    else:
        _send(events, {"done": True})
        return 0
    return 1


def prepared(wanted: Wanted) -> Iterator[Measured]:
    """Read a recording and yield its peaks; the copy is whole at the end. Raises as `open_recording`."""
    with open_recording(wanted.path, wanted.limits) as recording:
        found = _sides(recording, wanted)
        meter = PeakMeter(sides=2 if found is Sides.BOTH else 1)
        blocks = measured(_blocks(recording, found), meter)
        heard = 0
        for block in written(blocks, wanted.copy) if wanted.copy else blocks:
            heard += block.shape[-1]
            if meter.seconds >= SENT_SECONDS:
                yield _measured(meter, heard / SAMPLE_RATE_HZ, recording.duration_seconds)
        yield _measured(meter, heard / SAMPLE_RATE_HZ, recording.duration_seconds)


def _sides(recording: Recording, wanted: Wanted) -> Sides:
    """Return what the channels are; the recording may be opened a second time for it."""
    if not recording.has_two_channels:
        return Sides.ONE
    if wanted.is_split:
        return Sides.BOTH
    with open_recording(wanted.path, wanted.limits) as again:
        return sides(again.pairs())


def _blocks(recording: Recording, found: Sides) -> Iterator[Block]:
    """Yield blocks of the sides, shape (frames,), or (2, frames) for both."""
    if found is Sides.ONE:
        return recording.blocks()
    if found is Sides.BOTH:
        return recording.pairs()
    return (pair[0 if found is Sides.LEFT else 1] for pair in recording.pairs())


def _measured(meter: PeakMeter, heard_seconds: float, duration_seconds: float | None) -> Measured:
    progress = min(heard_seconds / duration_seconds, 0.99) if duration_seconds else 0.0
    return Measured(TICKS_PER_SECOND, meter.take(), round(progress, 4))


def _send(events: TextIO, found: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):  # `_end_with_parent` ends this process
        events.write(json.dumps(found) + "\n")
        events.flush()


def _end_with_parent() -> None:
    """End this process when the one that has started it ends, however it does."""
    while os.read(sys.stdin.fileno(), 1):  # `sys.stdin` has a lock, which the end of Python would wait for
        pass
    os._exit(1)
