"""Measures the loss of a killed recorder: `python -m bench.kills [--kills 20]`.

A real capture worker records, is killed at a random moment and started again. Then every recording must be
in the queue, whole and playable. The loss is the time from the start to the kill minus the length of the
recording.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
import wave
from pathlib import Path

import numpy as np

from bench.figures import percentiles
from offhook.desk.recorder import CaptureClient
from tests.stage import Stage
from tests.voices import write_wav
from transcribe_worker.media.riff import is_whole

SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 8.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    moments = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder, "sound.wav")
        write_wav(sound, np.random.default_rng(0).normal(0, 0.1, 30 * 16_000).astype(np.float32))
        sides = tuple((f"OFFHOOK_{side}", f"replay:{sound}") for side in ("MICROPHONE", "LOOPBACK"))
        stage = Stage(Path(folder, "home"), sides)
        heard = [kill(stage, moments.uniform(SHORTEST_SECONDS, LONGEST_SECONDS)) for _ in range(chosen.kills)]
        report(stage, heard)


def kill(stage: Stage, after_seconds: float) -> float:
    """Record, kill the recorder, and return the seconds from the start to the kill."""
    control = stage.home / "control.json"
    control.unlink(missing_ok=True)
    with stage.process("capture_worker") as worker:
        stage.wait_for(control.exists, "the capture worker")
        with CaptureClient(control) as capture:
            capture.request("start_recording")
        began = time.perf_counter()
        time.sleep(after_seconds)
        worker.kill()
        heard_seconds = time.perf_counter() - began
        worker.wait()
    return heard_seconds


def report(stage: Stage, heard_seconds: list[float]) -> None:
    """Start a recorder again, and read the recovered recordings."""
    with stage.process("capture_worker"):
        stage.wait_for(lambda: len(stage.records()) >= len(heard_seconds), "the recordings")
    lost_ms, faults = [], 0
    for record, heard in zip(stage.records(), heard_seconds, strict=True):
        path = Path(record["recording_path"])
        with wave.open(str(path)) as file:
            lost_ms.append((heard - file.getnframes() / file.getframerate()) * 1000)
        faults += not is_whole(path) or record["status"] != "queued"
    left_over = list((stage.home / "recording").iterdir())
    print(f"{len(heard_seconds)} kills: {len(stage.records())} recordings queued, {faults} faulty, ", end="")
    print(f"{len(left_over)} left over\nlost, in milliseconds: {percentiles(lost_ms)}")


if __name__ == "__main__":
    main()
