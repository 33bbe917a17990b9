"""What the tests of faults share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.clocks import Clock, clock_in
from tests.conftest import skip_or_fail
from tests.pulse import noise
from tests.stage import Stage
from tests.voices import LONG_CALL, Call, again_and_again, speak, write_wav


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """A clock that can be set under running processes."""
    found = clock_in(tmp_path / "clock")
    if found is None:
        skip_or_fail("needs libfaketime")
    return found


@pytest.fixture(scope="session")
def call() -> Call:
    """The first 80 s of the long call, in three stretches: seconds of work to be interrupted in."""
    return speak(LONG_CALL[:14])


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, call: Call) -> str:
    """The transcript of `call` when nothing happens to it."""
    return transcript(tmp_path_factory.mktemp("undisturbed"), call)


@pytest.fixture(scope="session")
def short_text(tmp_path_factory: pytest.TempPathFactory, short_call: Call) -> str:
    """The transcript of the short call when nothing happens to it."""
    return transcript(tmp_path_factory.mktemp("undisturbed"), short_call)


def transcript(folder: Path, call: Call) -> str:
    stage = Stage(folder / "home")
    done = stage.offhook("transcribe", stage.drop_call(call, "call.wav"))
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def desk(tmp_path: Path) -> Stage:
    """A home on a machine with a microphone and a loopback, both of which play a minute of noise."""
    settings = []
    for seed, side in enumerate(("microphone", "loopback")):
        write_wav(tmp_path / f"{side}.wav", noise(60, seed))
        settings.append((f"OFFHOOK_{side.upper()}", f"replay:{tmp_path / side}.wav"))
    return Stage(tmp_path / "home", tuple(settings))


@pytest.fixture
def stretches(short_call: Call) -> Call:
    """A call of 80 s, in three stretches, of which each is committed by itself."""
    return again_and_again(short_call, 4)


@pytest.fixture
def with_microphone(short_call: Call, tmp_path: Path) -> tuple[tuple[str, str], ...]:
    """The settings of a machine on which a call of a minute is heard from the microphone."""
    write_wav(tmp_path / "microphone.wav", np.tile(short_call.samples, 3))
    return (("OFFHOOK_MICROPHONE", f"replay:{tmp_path}/microphone.wav"), ("OFFHOOK_LOOPBACK", "none"))
