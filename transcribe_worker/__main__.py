"""Runs a worker: `python -m transcribe_worker`."""

import os

from shared.process import running
from shared.settings import load
from transcribe_worker.worker import work

if __name__ == "__main__":
    with running("worker", load(os.environ), os.environ.get("OFFHOOK_STARTER_LOCK")) as process:
        work(process)
