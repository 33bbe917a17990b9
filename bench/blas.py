"""Runs a bench with one BLAS thread, as the engine: with more, spectrograms are rounded otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from transcribe_worker.engine.child import ONE_BLAS_THREAD


def as_the_engine(module: str, main: Callable[[], None]) -> None:
    """Run `main` in a process with one BLAS thread: in this one, or in a new one of `module`."""
    if ONE_BLAS_THREAD.items() <= os.environ.items():
        main()
    else:
        command = [sys.executable, "-m", module, *sys.argv[1:]]
        sys.exit(subprocess.call(command, env=os.environ | ONE_BLAS_THREAD))
