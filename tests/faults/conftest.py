"""What the tests of faults share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import skip_or_fail
from tests.pulse import noise
from tests.stage import Stage
from tests.voices import LONG_CALL, Call, again_and_again, speak, write_wav

#: libfaketime 0.9.10 breaks the system call behind Python's sleep where it leaves the monotonic clock alone.
SLEEPS_OTHERWISE = "import select, time; time.sleep = lambda seconds: select.select([], [], [], seconds)"


@dataclass(frozen=True)
class Clock:
    """The wall clock of processes (libfaketime); their monotonic clock and the times of files stay true."""

    folder: Path
    library: str

    @property
    def settings(self) -> tuple[tuple[str, str], ...]:
        """What puts processes under this clock."""
        given = {
            "LD_PRELOAD": self.library,
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "offset"),
            "PYTHONPATH": os.pathsep.join((str(self.folder), os.environ.get("PYTHONPATH", ""))),
        }
        switches = ("FAKETIME_NO_CACHE", "DONT_FAKE_MONOTONIC", "NO_FAKE_STAT")
        return (*given.items(), *((switch, "1") for switch in switches))

    def set(self, offset: str) -> None:
        """Set the clock to an offset from the true time, such as +1d."""
        (self.folder / "new").write_text(offset)
        (self.folder / "new").replace(self.folder / "offset")


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """A clock that can be set under running processes."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        skip_or_fail("needs libfaketime")
    clock = Clock(tmp_path / "clock", str(library))
    clock.folder.mkdir()
    (clock.folder / "sitecustomize.py").write_text(SLEEPS_OTHERWISE)
    clock.set("+0")
    return clock


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
