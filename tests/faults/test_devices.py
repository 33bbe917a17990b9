"""What happens to microphones, outputs and the machine while the recorder runs, on a real sound server.

The audio is compared piece by piece, so the sound server has to get its turns: offhook may be late, but a
machine that starves PulseAudio itself for seconds fails these tests.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import wave
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from offhook.desk.recorder import CaptureClient
from tests.pulse import WHOLE, Match, PulseServer, find, noise
from tests.stage import Stage

RATE_HZ = 16_000
MICROPHONE, LOOPBACK = "microphone", "loopback"
#: What the server has from the start.
MODULES = ("source_name=virtmic", "sink_name=mic", "sink_name=call")
#: Two sides of one moment lie no further apart than this, in seconds.
TOGETHER_SECONDS = 0.010
#: What plays while something stands still.
SOUND_SECONDS = 14
SOUND = {MICROPHONE: noise(SOUND_SECONDS, seed=20), LOOPBACK: noise(SOUND_SECONDS, seed=21)}
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Recorded:
    """A finished recording: what `offhook show` has of it, and each side as it was heard."""

    shown: str
    verdict: dict[str, Any]
    microphone: Samples
    loopback: Samples

    @property
    def sides(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = self.verdict["sides"]
        return found

    def devices(self, side: str) -> list[tuple[str, int, int]]:
        """What a side was heard from: name, rate and channels of each, in order."""
        return [(d["name"], d["rate_hz"], d["channels"]) for d in self.sides[side]["devices"]]


@dataclass(frozen=True)
class Desk:
    """A person who records, with a real capture worker."""

    stage: Stage
    worker: subprocess.Popen[str]

    def start(self) -> subprocess.CompletedProcess[str]:
        return self.stage.offhook("record", "start")

    def state(self) -> dict[str, Any]:
        with CaptureClient(self.stage.home / "control.json") as capture:
            found: dict[str, Any] = capture.request("get_recording_state")
        return found

    def warnings(self) -> list[str]:
        return [warning["code"] for warning in self.state()["warnings"]]

    def wait_for(self, condition: Callable[[dict[str, Any]], bool], what: str) -> None:
        """Wait until the state of the recording is such."""
        self.stage.wait_for(lambda: condition(self.state()), what)

    def hears(self, side: str, device: str | None) -> None:
        """Wait until a side is heard from a device."""
        self.wait_for(lambda state: state[side] == device, f"the {side} {device}")

    def lasts(self, seconds: float) -> None:
        """Wait until the recording is so much longer."""
        begun = self.state()["duration_seconds"]
        self.wait_for(lambda state: state["duration_seconds"] > begun + seconds, "time to pass")

    def stop(self) -> Recorded:
        outcome = self.stage.read("record", "stop")
        record = str(outcome["record_id"])
        with wave.open(outcome["recording_path"]) as file:
            frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
        microphone, loopback = (frames.T / np.float32(2**15)).astype(np.float32)
        verdict = self.stage.read("show", record)["capture"]
        return Recorded(self.stage.offhook("show", record).stdout, verdict, microphone, loopback)


@pytest.fixture
def desk(tmp_path: Path, server: PulseServer) -> Iterator[Desk]:
    """A recorder that keeps the sides apart, so that each can be looked at."""
    settings = {**server.environment, "OFFHOOK_LAYOUT": "split"}
    stage = Stage(tmp_path / "home", tuple(settings.items()))
    with stage.process("capture_worker") as worker:
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        yield Desk(stage, worker)


def output(name: str, rate: int = 48_000, channels: int = 2, description: str = "") -> str:
    """The module of an output; what is played into it is its loopback."""
    properties = f"sink_properties=device.description={description or name}"
    return f"module-null-sink sink_name={name} rate={rate} channels={channels} norewinds=1 {properties}"


def microphone(name: str, hears: str, description: str = "") -> str:
    """The module of a microphone that hears what is played into an output."""
    properties = f"source_properties=device.description={description or name}"
    return f"module-remap-source master={hears}.monitor source_name={name} remix=no {properties}"


def plug_in(server: PulseServer, module: str, default: bool = True) -> None:
    """Have a device, as the default one."""
    server.pactl("load-module", *module.split())
    if default:
        kind, name = re.search(r"(sink|source)_name=(\w+)", module).groups()
        server.make_default(kind, name)


def seconds(match: Match) -> float:
    """Where a sound begins."""
    return match.start / RATE_HZ


# Unplugged, plugged in again, another one


def test_a_microphone_that_is_unplugged_is_used_again_when_it_is_back(
    desk: Desk, server: PulseServer
) -> None:
    before, after, far = noise(1.5, seed=1), noise(1.5, seed=2), noise(60, seed=3)
    plug_in(server, microphone("headset", "mic", "Headset"))
    assert desk.start().returncode == 0
    server.play("mic", before)
    server.played()
    server.play("call", far)
    server.unload("source_name=virtmic")
    server.unload("source_name=headset")
    desk.hears(MICROPHONE, None)
    assert desk.state()[LOOPBACK]
    plug_in(server, microphone("headset", "mic", "Headset"))
    desk.hears(MICROPHONE, "Headset")
    assert desk.warnings() == ["device_lost", "device_opened"]
    server.play("mic", after)
    server.played_last()
    recorded = desk.stop()
    first, second = find(before, recorded.microphone), find(after, recorded.microphone)
    assert min(first.likeness, second.likeness) > WHOLE
    side = recorded.sides[MICROPHONE]
    assert (side["device_losses"], side["device_changes"]) == (1, 1)
    assert side["gaps"] >= 1
    assert 0.05 < side["lost_ms"] / 1000 < seconds(second) - seconds(first) - 1.5
    assert f"lost once; {side['lost_ms'] / 1000:.1f} s missing in {side['gaps']} gap" in recorded.shown
    begin = np.flatnonzero(np.abs(recorded.loopback) > 0.001)[0]
    heard = far[: len(recorded.loopback) - begin - RATE_HZ]
    assert find(heard, recorded.loopback).likeness > WHOLE
    assert recorded.sides[LOOPBACK]["device_losses"] == 0


def test_an_output_that_is_unplugged_is_followed_to_the_next_one_and_back(
    desk: Desk, server: PulseServer
) -> None:
    far = [noise(1.5, seed=seed) for seed in range(3)]
    plug_in(server, output("speakers", 44_100, 2, "Speakers"))
    plug_in(server, output("headset", 48_000, 2, "Headset"))
    assert desk.start().returncode == 0
    server.play("headset", far[0])
    server.played()
    server.unload("sink_name=headset")
    server.make_default("sink", "speakers")
    desk.hears(LOOPBACK, "Speakers")
    server.play("speakers", far[1])
    server.played()
    plug_in(server, output("headset", 48_000, 2, "Headset"))
    desk.hears(LOOPBACK, "Headset")
    server.play("headset", far[2])
    server.played()
    recorded = desk.stop()
    found = [find(sound, recorded.loopback) for sound in far]
    assert min(match.likeness for match in found) > WHOLE
    assert seconds(found[0]) < seconds(found[1]) < seconds(found[2])
    assert recorded.sides[LOOPBACK]["device_losses"] == 1
    assert recorded.devices(LOOPBACK)[0] == recorded.devices(LOOPBACK)[-1] == ("Headset", 48_000, 2)
    assert ("Speakers", 44_100, 2) in recorded.devices(LOOPBACK)
    assert "Headset (48 kHz), then " in recorded.shown
    assert recorded.sides[MICROPHONE]["gaps"] == 0


def test_the_recording_follows_when_other_devices_become_the_default(desk: Desk, server: PulseServer) -> None:
    near, far = noise(2, seed=4), noise(2, seed=5)
    assert desk.start().returncode == 0
    plug_in(server, output("headset", 44_100, 1, "Headset"))
    plug_in(server, output("boom", 16_000, 1), default=False)
    plug_in(server, microphone("boommic", "boom", "Boom"))
    desk.hears(LOOPBACK, "Headset")
    desk.hears(MICROPHONE, "Boom")
    server.play("headset", far)
    server.play("boom", near)
    server.played()
    recorded = desk.stop()
    assert find(near, recorded.microphone).likeness > WHOLE
    assert find(far, recorded.loopback).likeness > WHOLE
    assert recorded.devices(LOOPBACK)[1:] == [("Headset", 44_100, 1)]
    assert recorded.devices(MICROPHONE)[1:] == [("Boom", 16_000, 1)]
    assert [side["device_losses"] for side in recorded.sides.values()] == [0, 0]


def test_a_headset_that_changes_its_profile_is_used_in_its_new_form(desk: Desk, server: PulseServer) -> None:
    """As Bluetooth does for a call: the device goes, and under the same name is back as a telephone."""
    music = output("bluetooth", 44_100, 2, "Music")
    telephone = output("bluetooth", 8_000, 1, "Telephone")
    sounds = [noise(1.5, seed=seed) for seed in range(6, 10)]
    plug_in(server, music)
    assert desk.start().returncode == 0
    server.play("bluetooth", sounds[0])
    server.played()
    server.unload("sink_name=bluetooth")
    plug_in(server, telephone)
    plug_in(server, output("boom", 8_000, 1), default=False)
    plug_in(server, microphone("boommic", "boom", "Boom"))
    desk.hears(LOOPBACK, "Telephone")
    desk.hears(MICROPHONE, "Boom")
    server.play("bluetooth", sounds[1])
    server.play("boom", sounds[2])
    server.played()
    for module in ("source_name=boommic", "sink_name=boom", "sink_name=bluetooth"):
        server.unload(module)
    plug_in(server, music)
    server.make_default("source", "virtmic")
    desk.hears(LOOPBACK, "Music")
    desk.hears(MICROPHONE, "Remapped Monitor of Null Output")
    server.play("bluetooth", sounds[3])
    server.played()
    recorded = desk.stop()
    music_likeness = [find(sounds[number], recorded.loopback).likeness for number in (0, 3)]
    assert min(music_likeness) > WHOLE
    assert find(sounds[1], recorded.loopback).likeness > 0.9  # a telephone is less faithful
    assert find(sounds[2], recorded.microphone).likeness > 0.9
    forms = [form for form in recorded.devices(LOOPBACK) if form[0] in ("Music", "Telephone")]
    assert forms == [("Music", 44_100, 2), ("Telephone", 8_000, 1), ("Music", 44_100, 2)]
    assert ("Boom", 8_000, 1) in recorded.devices(MICROPHONE)
    assert recorded.sides[LOOPBACK]["device_losses"] == 2


def test_a_call_goes_on_while_the_sound_server_is_started_again(desk: Desk, server: PulseServer) -> None:
    far = noise(2, seed=10)
    assert desk.start().returncode == 0
    server.stop()
    desk.hears(LOOPBACK, None)
    server.start()
    desk.hears(LOOPBACK, "Null Output")
    server.play("call", far)
    server.played()
    recorded = desk.stop()
    assert find(far, recorded.loopback).likeness > WHOLE
    assert [side["device_losses"] for side in recorded.sides.values()] == [1, 1]
    assert recorded.shown.count("lost once") == 2


# One side alone, or none


def test_without_a_loopback_the_microphone_is_recorded_and_said_so(desk: Desk, server: PulseServer) -> None:
    for module in MODULES:
        server.unload(module)
    plug_in(server, "module-sine-source source_name=whistle rate=44100 frequency=997")
    started = desk.start()
    assert (started.returncode, started.stdout.count("loopback")) == (0, 0)
    assert started.stderr == "There is no loopback: only the microphone is recorded.\n"
    desk.lasts(1.0)
    assert desk.warnings() == ["loopback_missing"]
    recorded = desk.stop()
    assert np.abs(recorded.microphone).max() > 0.1
    assert not recorded.loopback.any()
    assert "Loopback:   not recorded" in recorded.shown


def test_without_a_microphone_what_is_heard_is_recorded_and_said_so(desk: Desk, server: PulseServer) -> None:
    far = noise(2, seed=11)
    server.unload("source_name=virtmic")
    started = desk.start()
    assert (started.returncode, started.stdout.count("microphone")) == (0, 0)
    assert started.stderr == "There is no microphone: only what you hear is recorded.\n"
    assert desk.warnings() == ["microphone_missing"]
    server.play("call", far)
    server.played()
    recorded = desk.stop()
    assert find(far, recorded.loopback).likeness > WHOLE
    assert not recorded.microphone.any()
    assert "Microphone: not recorded" in recorded.shown


def test_without_any_device_nothing_begins_until_one_is_plugged_in(desk: Desk, server: PulseServer) -> None:
    for module in MODULES:
        server.unload(module)
    refused = desk.start()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("offhook: There is neither a microphone nor a loopback to record from.")
    assert desk.state()["state"] == "idle"
    assert list((desk.stage.home / "recording").iterdir()) == []
    assert desk.stage.records() == []
    plug_in(server, output("headset", description="Headset"))
    assert desk.start().returncode == 0
    assert desk.state()[LOOPBACK] == "Headset"


def test_a_loopback_that_is_silent_while_somebody_speaks_is_warned_of_once(
    desk: Desk, server: PulseServer
) -> None:
    syllables = [part for n in range(13) for part in (noise(0.7, n), np.zeros(12_800, np.float32))]
    assert desk.start().returncode == 0
    server.play("mic", np.concatenate(syllables).astype(np.float32))
    desk.wait_for(lambda state: state["warnings"] != [], "the warning")
    state = desk.stage.offhook("record", "state")
    assert "The other side is silent. Perhaps the call plays on another device." in state.stderr
    assert desk.state()["duration_seconds"] > 15
    server.played()
    assert desk.warnings() == ["loopback_silent"]
    recorded = desk.stop()
    assert recorded.sides[LOOPBACK]["silence_share"] == 1
    assert "100% silence" in recorded.shown


# A recorder, or all of the machine, that stands still


def stopped(processes: Iterable[int], seconds: float) -> None:
    """Have processes stand still for a time."""
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    for pid in processes:
        os.kill(pid, signal.SIGCONT)


def apart(recorded: Recorded, begin: float, end: float) -> tuple[float, float]:
    """How far the sides lie apart there, in seconds, and how like what was played the worse of them is."""
    cut = slice(round(begin * RATE_HZ), round(end * RATE_HZ))
    near = find(SOUND[MICROPHONE][cut], recorded.microphone)
    far = find(SOUND[LOOPBACK][cut], recorded.loopback)
    return seconds(near) - seconds(far), min(near.likeness, far.likeness)


def undisturbed(desk: Desk, server: PulseServer, speaker: str, *stalls_seconds: float) -> Recorded:
    """Record what plays on both sides while the recorder stands still again and again.

    The best of three: on a busy machine the sound server itself is late, and what comes late is dropped.
    """
    for _ in range(3):
        assert desk.start().returncode == 0
        for side, sink in ((MICROPHONE, "mic"), (LOOPBACK, speaker)):
            server.play(sink, SOUND[side])
        for stall_seconds in stalls_seconds:
            desk.lasts(1.0)
            stopped([desk.worker.pid], stall_seconds)
        server.played()
        recorded = desk.stop()
        if not any(side["doubled_ms"] for side in recorded.sides.values()):
            break
    return recorded


def test_a_recorder_that_stands_still_for_seconds_loses_nothing(desk: Desk, server: PulseServer) -> None:
    """What the sound server has kept meanwhile is taken in afterwards."""
    recorded = undisturbed(desk, server, "call", 2.0, 6.0)
    assert [(side["gaps"], side["lost_ms"]) for side in recorded.sides.values()] == [(0, 0), (0, 0)]
    assert recorded.shown.count("nothing missing") == 2
    stays_together(recorded, 0, SOUND_SECONDS)


def test_what_is_lost_in_a_longer_stall_is_counted_and_the_sides_stay_together(
    desk: Desk, server: PulseServer
) -> None:
    """The server keeps 4 MiB of each device: of two channels at 192 kHz, not three seconds."""
    plug_in(server, output("studio", 192_000, 2, "Studio"))
    recorded = undisturbed(desk, server, "studio", 5.0)
    assert recorded.sides[LOOPBACK]["gaps"] >= 1
    assert 1 < recorded.sides[LOOPBACK]["lost_ms"] / 1000 < 3
    assert recorded.sides[MICROPHONE]["lost_ms"] < 500
    stays_together(recorded, 10, SOUND_SECONDS)


def test_a_machine_that_sleeps_leaves_a_gap_that_is_counted_and_the_sides_together(
    desk: Desk, server: PulseServer
) -> None:
    """No device gives any data, and the recorder stands still, until all wake up."""
    sleep_seconds = 3.0
    assert desk.start().returncode == 0
    for side, sink in ((MICROPHONE, "mic"), (LOOPBACK, "call")):
        server.play(sink, SOUND[side])
    desk.lasts(2.0)
    for sink in ("mic", "call"):
        server.pactl("suspend-sink", sink, "1")
    stopped([desk.worker.pid], sleep_seconds)
    for sink in ("mic", "call"):
        server.pactl("suspend-sink", sink, "0")
    server.played()
    recorded = desk.stop()
    for side in recorded.sides.values():
        assert (side["gaps"] >= 1, side["device_losses"]) == (True, 0)
        assert sleep_seconds < side["lost_ms"] / 1000 < sleep_seconds + 2
    assert "s missing in " in recorded.shown
    # Each device was put to sleep, and woken, by a command of its own.
    stays_together(recorded, 9, SOUND_SECONDS, within=0.5)


def stays_together(recorded: Recorded, begin: float, end: float, within: float = TOGETHER_SECONDS) -> None:
    """Make sure that the sides lie as they did at first, and that neither's clock was misjudged."""
    before, _ = apart(recorded, 0, 1)
    after, likeness = apart(recorded, begin, end)
    assert likeness > 0.95  # noise that is stretched by 0.01 % over a few seconds is like nothing any more
    assert abs(after - before) < within
    assert max(abs(side["drift_ppm"]) for side in recorded.sides.values()) < 200
