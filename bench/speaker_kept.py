"""Keeps what the engine has found in samples, so that labels can be measured again without decoding."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.corpora import Samples
from shared.words import Segment, numbered, segments_as_json, segments_from_json


@dataclass(frozen=True)
class Timed:
    """Segments, numbered, and the processor time that finding them took, in seconds."""

    segments: tuple[Segment, ...]
    seconds: float


def kept(folder: Path | None, samples: Sequence[Samples], find: Callable[[], Timed]) -> Timed:
    """Return what is kept of samples, or find and keep it; without a folder, find it."""
    if folder is None:
        return find()
    path = folder / f"{_name(samples)}.json"
    if path.is_file():
        found = json.loads(path.read_text("utf-8"))
        return Timed(numbered(segments_from_json(found["segments"])), found["seconds"])
    made = find()
    text = json.dumps({"seconds": made.seconds, "segments": segments_as_json(made.segments)})
    folder.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text, "utf-8")
    part.replace(path)
    return made


def _name(samples: Sequence[Samples]) -> str:
    found = hashlib.sha256()
    for channel in samples:
        found.update(len(channel).to_bytes(8, "little") + channel.tobytes())
    return found.hexdigest()[:32]
