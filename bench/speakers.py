"""Measures who said which words: `python -m bench.speakers --real FOLDER`, with the extra `bench`.

Synthesised calls, real voices in turn and real talks go through the engine's recognition in this process and
through offhook's labels: by the loudness of both sides of a capture, by channels, and by voices. Without a
folder of real recordings only what is synthesised is measured.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from faster_whisper import WhisperModel

from bench.accuracy import chosen_model, existing
from bench.blas import as_the_engine
from bench.figures import machine
from bench.speaker_calls import SpeakerCall
from bench.speaker_engine import Decoded, words_of
from bench.speaker_outcome import SpeakerResult, results
from bench.speaker_pages import pages, shown
from bench.speaker_pieces import pieces
from bench.speaker_real import ALONE, IN_TURN, TALKS, THREE, TWO, RealFolder, in_turn
from bench.speaker_scenes import JOE, SCENES, scene_calls, voice
from bench.speaker_ways import GROUPS, WAYS
from bench.ways import load as load_model
from shared.settings_sources import load
from transcribe_worker.voice_files import find
from transcribe_worker.voices.network import VoiceNetwork

MINUTES = 1.0
REAL_KINDS = (IN_TURN, ALONE, TWO, THREE, TALKS)
#: Pairs and triples of real voices, and the least pieces that a voice needs for them.
GROUPS_OF_VOICES, LEAST_PIECES = 10, 3
#: Calls made ahead of the processes that decode them.
AHEAD = 2
PROGRESS_EVERY = 10


def calls(
    kinds: Sequence[str], minutes: float, folders: Sequence[Path], model: WhisperModel
) -> Iterator[SpeakerCall]:
    """Yield the calls of some kinds."""
    for kind in kinds:
        if kind in SCENES:
            yield from scene_calls(kind, minutes)
    for folder in folders:
        real = RealFolder(folder)
        if IN_TURN in kinds:
            yield from real.on_two_sides()
        if ALONE in kinds:
            yield from real.alone()
        if {TWO, THREE} & set(kinds):
            voices = {clip.name: pieces(clip, words_of(model, clip.samples)) for clip in real.long_voices}
            enough = {name: found for name, found in voices.items() if len(found) >= LEAST_PIECES}
            for persons, kind in ((2, TWO), (3, THREE)):
                if kind in kinds:
                    yield from in_turn(enough, persons, GROUPS_OF_VOICES)
        if TALKS in kinds:
            yield from real.talks()


def measure(
    found: Iterable[SpeakerCall], ways: Sequence[str], engine: Engine, told: Callable[[int], None]
) -> list[SpeakerResult]:
    """Label each call in each way, a call in each of as many processes as there are cores."""
    measured: list[SpeakerResult] = []
    waiting: deque[Future[list[SpeakerResult]]] = deque()
    cores = os.cpu_count() or 1

    def take() -> None:
        measured.extend(waiting.popleft().result())
        told(len({(it.kind, it.name) for it in measured}))

    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        for call in found:
            waiting.append(pool.submit(engine.results, call, ways))
            while len(waiting) >= cores + AHEAD:
                take()
        while waiting:
            take()
    return measured


@dataclass(frozen=True)
class Engine:
    """What the processes decode with: the folder of a model, the network that tells voices apart, and a
    folder in which they keep what they find.
    """

    model_folder: Path
    network: Path | None = None
    keep: Path | None = None

    def results(self, call: SpeakerCall, ways: Sequence[str]) -> list[SpeakerResult]:
        """Return the results of the ways that apply to a call."""
        network = _network(self.network) if self.network else None
        return results(Decoded(_model(self.model_folder), call, network, self.keep), ways)


@cache
def _network(path: Path) -> VoiceNetwork:
    return VoiceNetwork(path)


@cache
def _model(folder: Path) -> WhisperModel:
    """Load a model, and use it once: first steps take longer."""
    model = load_model(folder)
    words_of(model, voice(JOE, "Good morning."))
    return model


def main() -> None:
    options = _options()
    folders, missing = existing(options.real or [])
    name, model_folder = chosen_model(options.model)
    network = options.voices or find(load(os.environ).models)
    if network is None:
        missing.append("voices, whose network is not here: `offhook models pull voices`, or --voices FILE.")
    ways = [
        name for name, way in WAYS.items() if way.of in options.ways and (network or not way.needs_network)
    ]
    began = time.monotonic()
    made = calls(options.scenes, options.minutes, folders, load_model(model_folder))
    found = measure(made, ways, Engine(model_folder, network, options.keep), _told)
    if not found:
        sys.exit("There is nothing to measure. Give a folder with --real, or other --scenes and --ways.")
    minutes = sum({(it.kind, it.name): it.seconds for it in found}.values()) / 60
    took = (time.monotonic() - began) / 60
    head = [
        f"{machine()}; int8; {minutes:.0f} minutes of calls; {took:.0f} minutes in all.",
        *(f"Not measured: {why}" for why in missing),
        *(["Transcripts were kept from an earlier run."] if options.keep else []),
    ]
    text = "\n".join([f"# Speakers of the words of {name}\n", *head, "", *pages(found)])
    print(text)
    if options.show:
        print("\n".join(shown(found)))
    written = json.dumps({"head": head, "results": [it.as_json() for it in found]}, indent=1) + "\n"
    for path, content in ((options.results, text), (options.json, written)):
        if path:
            path.write_text(content, "utf-8")


def _told(done: int) -> None:
    if done % PROGRESS_EVERY == 0:
        print(f"{done} calls", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = [*SCENES, *REAL_KINDS]
    parser.add_argument("--real", type=Path, nargs="+", metavar="FOLDER", help="folders of real recordings")
    parser.add_argument("--model", type=Path, help="the folder of a model (default: the bundled tiny.en)")
    parser.add_argument("--scenes", nargs="+", choices=kinds, default=kinds, metavar="KIND")
    parser.add_argument("--voices", type=Path, metavar="FILE", help="the network that tells voices apart")
    parser.add_argument("--ways", nargs="+", choices=GROUPS, default=list(GROUPS))
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of each synthesised call")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep transcripts for the next run")
    parser.add_argument("--show", action="store_true", help="print the wrong and doubled words")
    parser.add_argument("--results", type=Path, metavar="FILE", help="write the tables as Markdown")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every result with its words")
    return parser.parse_args()


if __name__ == "__main__":
    as_the_engine("bench.speakers", main)
