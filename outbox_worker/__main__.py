"""Runs the outbox: `python -m outbox_worker`."""

import sys

from outbox_worker.worker import work
from shared.process import run

if __name__ == "__main__":
    sys.exit(run("outbox", work))
