"""The microphone alone by PortAudio, on a real sound server, which ALSA leads to."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import wave
from collections.abc import Iterator
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest

from tests import pulse
from tests.conftest import skip_or_fail
from tests.pulse import WHOLE, PulseServer, find, noise

ROOT = Path(__file__).parents[2]
ASOUND = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
RECORDER = """
import json, sys
from pathlib import Path
from capture_worker.audio import portable
from capture_worker.audio.device_probe import DeviceProbe
from capture_worker import DualStreamCapture, Plan

LISTING = (
    "from capture_worker.audio import listing, portable; print(listing.to_json(portable.System().look()))"
)
warnings = []
capture = DualStreamCapture(
    Path(sys.argv[1]),
    Plan(microphone="pulse"),
    on_warning=lambda code, message: warnings.append(code),
    open_system=lambda wanted: portable.System(DeviceProbe((sys.executable, "-c", LISTING))),
)
capture.start()
print("recording", flush=True)
sys.stdin.readline()
verdict = capture.stop()
print(json.dumps([warnings, verdict.as_dict()]))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PulseServer]:
    if why := pulse.missing():
        skip_or_fail(why)
    if importlib.util.find_spec("sounddevice") is None or find_library("portaudio") is None:
        skip_or_fail("PortAudio is not installed (Debian: libportaudio2 libasound2-plugins)")
    with PulseServer(tmp_path / "pulse") as server:
        (server.folder / ".asoundrc").write_text(ASOUND)
        yield server


def test_the_microphone_is_recorded_and_the_missing_loopback_said(
    server: PulseServer, tmp_path: Path
) -> None:
    path, near = tmp_path / "call.wav", noise(3, seed=1)
    process = subprocess.Popen(
        [sys.executable, "-c", RECORDER, str(path)],
        cwd=ROOT,
        env={**os.environ, **server.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # ALSA tells there of all the hardware that is not there
        text=True,
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "recording\n"
        server.play("mic", near)
        server.played()
        said, _ = process.communicate("\n", timeout=20)
    warnings, verdict = json.loads(said)
    with wave.open(str(path)) as file:
        audio = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 2**15
    assert warnings == ["loopback_missing"]
    assert find(near, audio).likeness > WHOLE
    assert np.abs(audio).max() > 0.15  # a side that is alone is not made quieter
    assert verdict["sides"]["microphone"]["gaps"] == 0
    assert verdict["sides"]["loopback"]["devices"] == []
