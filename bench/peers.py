"""The programs that are compared, each as whole processes with the same model files.

`python -m bench.peers WAY MODEL FILE` is a loop over faster-whisper, as a person would write it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from faster_whisper import BatchedInferencePipeline, WhisperModel

#: The loops: what a person would write after reading faster-whisper's README.
LOOPS: dict[str, Callable[[WhisperModel, str], Any]] = {
    "transcribe": lambda model, path: model.transcribe(path, language="en"),
    "vad_filter": lambda model, path: model.transcribe(
        path, language="en", vad_filter=True, condition_on_previous_text=False
    ),
    "batched": lambda model, path: BatchedInferencePipeline(model).transcribe(
        path, language="en", batch_size=8
    ),
}
THREADS = os.cpu_count() or 1


def command_line(model: Path, recording: Path, output: Path, *, batched: bool) -> list[str]:
    """Return the command line of whisper-ctranslate2."""
    program = Path(sys.executable).with_name("whisper-ctranslate2")
    options = {
        "--model_directory": model,
        "--language": "en",
        "--device": "cpu",
        "--compute_type": "int8",
        "--threads": THREADS,
        "--output_format": "txt",
        "--output_dir": output,
        "--batched": batched,
    }
    return [str(program), *(str(part) for option in options.items() for part in option), str(recording)]


def loop(way: str, model: Path, recording: Path) -> list[str]:
    """Return the command of a process that runs one of the loops and prints each segment."""
    return [sys.executable, "-m", "bench.peers", way, str(model), str(recording)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=LOOPS)
    parser.add_argument("model")
    parser.add_argument("recording")
    chosen = parser.parse_args()
    model = WhisperModel(chosen.model, device="cpu", compute_type="int8", cpu_threads=THREADS)
    segments, _ = LOOPS[chosen.way](model, chosen.recording)
    for segment in segments:
        print(segment.text, flush=True)


if __name__ == "__main__":
    main()
