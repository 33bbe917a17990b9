"""Runs the desk's server: `python -m offhook.web`."""

import sys

from offhook.web.server import serve
from shared.process import run

if __name__ == "__main__":
    sys.exit(run("web", serve))
