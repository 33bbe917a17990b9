"""The Procfile's processes under honcho, in a home of their own, once for all tests that only use them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.stage import ALL_CORES, ROOT, Stage, end
from tests.voices import SAMPLE_RATE_HZ, Call

PIECE_SECONDS = 75


@pytest.fixture(scope="session")
def piece(long_call: Call) -> Call:
    """The start of the long call: its first 40 s are kept while seconds of work are still to be done."""
    return Call(long_call.samples[: PIECE_SECONDS * SAMPLE_RATE_HZ], (), ())


@pytest.fixture(scope="session")
def offhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A home in which the Procfile runs."""
    folder = tmp_path_factory.mktemp("acceptance")
    stage = Stage(folder / "home", tuple(ALL_CORES.items()))
    with (folder / "honcho.log").open("w") as log:
        honcho = subprocess.Popen(
            [sys.executable, "-m", "honcho", "start", "-f", "Procfile"],
            cwd=ROOT,
            env=stage.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            stage.wait_for(lambda: {"worker", "inbox"} <= set(stage.running()), "worker and inbox")
            yield stage
        finally:
            end(honcho)
