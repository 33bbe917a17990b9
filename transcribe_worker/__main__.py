"""Runs a worker: `python -m transcribe_worker`."""

import sys

from shared.process import run
from transcribe_worker.worker import work

if __name__ == "__main__":
    sys.exit(run("worker", work))
