"""The real worker with the stand-in for its engine: `python -m stress.stand_in_worker`."""

from __future__ import annotations

import sys
from functools import partial

from shared.process import run
from transcribe_worker import worker
from transcribe_worker.engine.supervisor import Engine

STAND_IN_COMMAND = (sys.executable, "-m", "stress.stand_in")

if __name__ == "__main__":
    worker.Engine = partial(Engine, STAND_IN_COMMAND)  # type: ignore[misc, assignment]
    sys.exit(run("worker", worker.work))
