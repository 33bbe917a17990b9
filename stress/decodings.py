"""Counts repeated decoding from the workers' log at level DEBUG."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_ATTEMPT = re.compile(r"recording (\d+): transcribing, attempt \d+$")
_STRETCH = re.compile(r"recording (\d+): decoded from ([\d.]+) to ([\d.]+) s$")
_KEPT = re.compile(r"recording (\d+): kept up to [\d.]+ s$")


class Stretch(NamedTuple):
    """A decoded part of a recording in seconds, and whether its commit was logged."""

    start: float
    end: float
    is_kept: bool = False


@dataclass
class Decodings:
    """Sums over all recordings, in seconds of audio.

    `twice_seconds` were decoded completely, lost and decoded again: the worker died after the engine had
    finished a stretch and before the commit. `begun_again` counts the stretches with which an attempt
    continued another: they may have been in flight. `faults` name stretches that were decoded again although
    they were not in flight.
    """

    once_seconds: float = 0.0
    twice_seconds: float = 0.0
    begun_again: int = 0
    begun_again_seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def twice_percent(self) -> float:
        return 100 * self.twice_seconds / max(self.once_seconds, 1e-9)


def read(log: Path) -> Decodings:
    """Read the log of all workers, one after another."""
    found = Decodings()
    for record_id, attempts in _attempts(log).items():
        _count(record_id, attempts, found)
    return found


def _attempts(log: Path) -> dict[int, list[list[Stretch]]]:
    """Return the stretches that each attempt at each recording decoded."""
    attempts: dict[int, list[list[Stretch]]] = defaultdict(list)
    for line in log.read_text("utf-8", errors="replace").splitlines():
        if match := _ATTEMPT.search(line):
            attempts[int(match[1])].append([])
        elif match := _STRETCH.search(line):
            stretches = attempts[int(match[1])] or [[]]
            stretches[-1].append(Stretch(float(match[2]), float(match[3])))
            attempts[int(match[1])] = stretches
        elif match := _KEPT.search(line):
            last = attempts[int(match[1])][-1]
            last[-1] = last[-1]._replace(is_kept=True)
    return attempts


def _count(record_id: int, attempts: list[list[Stretch]], found: Decodings) -> None:
    done: dict[tuple[float, float], bool] = {}  # and whether it was committed
    for number, stretches in enumerate(attempts):
        for place, stretch in enumerate(stretches):
            span, seconds = stretch[:2], stretch.end - stretch.start
            if span in done:
                found.twice_seconds += seconds
                if place or span != next(reversed(done)) or done[span]:
                    found.faults.append(f"recording {record_id}: {span} decoded again after its commit")
            else:
                found.once_seconds += seconds
            done[span] = stretch.is_kept
            if number and not place:
                found.begun_again += 1
                found.begun_again_seconds += seconds
