"""A real capture worker on a real sound server: `python -m bench.recording` (Linux, PulseAudio).

Speech is played on both sides and searched in the recording in pieces of 0.1 s. Then the same noise plays on
both sides, to measure their distance in time. Then noise plays at the start.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.pulse import PulseServer, find, noise
from tests.stage import Stage
from tests.voices import LONG_CALL, Turn, speak

RATE_HZ = 16_000
Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Usage:
    """The resources of a process (Linux)."""

    pid: int

    def cpu_seconds(self) -> float:
        """User and system time in seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_bytes(self) -> int:
        """Resident memory in bytes."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Studio:
    """A capture worker in its own home, and its recordings."""

    stage: Stage
    server: PulseServer

    @contextmanager
    def worker(self, **settings: str) -> Iterator[Usage]:
        """Run the worker with some settings."""
        os.environ.update(self.server.environment)
        given = tuple((f"OFFHOOK_{name.upper()}", value) for name, value in settings.items())
        stage = Stage(self.stage.home, (("OFFHOOK_LAYOUT", "split"), *given))
        with stage.process("capture_worker") as process:
            stage.wait_for((stage.home / "control.json").exists, "the capture worker")
            yield Usage(process.pid)

    def start(self) -> None:
        """Start to record."""
        done = self.stage.offhook("record", "start")
        assert done.returncode == 0, done.stderr

    def stop(self) -> tuple[Samples, Samples]:
        """Stop, and return the recorded microphone and loopback."""
        outcome = self.stage.read("record", "stop")
        with wave.open(outcome["recording_path"]) as file:
            frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
        microphone, loopback = (frames.T / np.float32(2**15)).astype(np.float32)
        return microphone, loopback


def monologue(speaker: str, seconds: float) -> Samples:
    """Return all turns of one voice in the long call, repeated to the wanted length."""
    turns = [turn for turn in LONG_CALL if turn.speaker == speaker]
    samples = speak([Turn(turn.speaker, turn.text) for turn in turns]).samples
    return np.resize(samples, round(seconds * RATE_HZ)).astype(np.float32)


def speech_on_both_sides(studio: Studio, seconds: float) -> None:
    near, far = monologue("laura", seconds), monologue("joe", seconds)
    with studio.worker() as usage:
        studio.start()
        busy, began, memory = usage.cpu_seconds(), time.perf_counter(), usage.memory_bytes()
        studio.server.play("mic", near)
        studio.server.play("call", far)
        studio.server.played()
        busy, took = usage.cpu_seconds() - busy, time.perf_counter() - began
        grown = usage.memory_bytes() - memory
        sides = studio.stop()
    for name, sound, recorded in zip(("microphone", "loopback"), (near, far), sides, strict=True):
        match = find(sound, recorded)
        wander_ms = match.wander / RATE_HZ * 1000
        print(f"{name}: likeness of the worst piece {match.likeness:.4f}, wandering {wander_ms:.2f} ms")
    print(f"CPU {busy / took:.2%} of a core, memory {grown / 2**20:+.1f} MB in {took:.0f} s")


def the_same_on_both_sides(studio: Studio, seconds: float) -> None:
    studio.server.pactl(
        "load-module", "module-remap-source", "master=call.monitor", "source_name=echo", "remix=no"
    )
    with studio.worker(microphone="echo"):
        studio.start()
        studio.server.play("call", noise(seconds))
        studio.server.played()
        microphone, loopback = studio.stop()
    piece = 5 * RATE_HZ
    apart_ms = []
    for start in range(RATE_HZ, len(loopback) - piece - RATE_HZ, piece):
        match = find(loopback[start : start + piece], microphone[start - RATE_HZ : start + piece + RATE_HZ])
        apart_ms.append((abs(match.start - RATE_HZ) + match.wander) / RATE_HZ * 1000)
    print(f"sides apart: at most {max(apart_ms):.2f} ms, median {np.median(apart_ms):.2f} ms")


def first_audio(studio: Studio) -> None:
    with studio.worker():
        studio.server.play("call", noise(60))
        time.sleep(1)
        firsts_ms = []
        for _ in range(10):
            studio.start()
            time.sleep(0.7)
            _, loopback = studio.stop()
            firsts_ms.append(np.flatnonzero(np.abs(loopback) > 0.001)[0] / RATE_HZ * 1000)
        studio.server.silence()
    print(
        f"first audio: at most {max(firsts_ms):.0f} ms after the start, median {np.median(firsts_ms):.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder, PulseServer(Path(folder, "pulse")) as server:
        studio = Studio(Stage(Path(folder, "home")), server)
        speech_on_both_sides(studio, seconds)
        the_same_on_both_sides(studio, seconds)
        first_audio(studio)


if __name__ == "__main__":
    main()
