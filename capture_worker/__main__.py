"""Runs the capture worker: `python -m capture_worker`; with `--stdio` for a program that embeds it."""

import argparse
import sys

from capture_worker.control.server import serve, speak
from shared.process import run

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="capture_worker", description="Records calls on request.")
    parser.add_argument("--stdio", action="store_true", help="speak the protocol over stdin and stdout")
    sys.exit(run("capture", speak if parser.parse_args().stdio else serve))
