"""Runs the inbox: `python -m transcribe_worker.inbox`."""

import sys

from shared.process import run
from transcribe_worker.inbox.watch import take_in

if __name__ == "__main__":
    sys.exit(run("inbox", take_in))
