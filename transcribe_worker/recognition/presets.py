"""How much care a recording is given: one table, one way through the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

#: Options of one more try at a window that the first one has not got right. Nothing here draws lots: after a
#: crash a window must come out as it would have without.
Try = Mapping[str, Any]

AGAIN: Try = {"beam_size": 5}
WITHOUT_LOOPS: Try = {"beam_size": 5, "no_repeat_ngram_size": 3}


@dataclass(frozen=True)
class Preset:
    """How windows are made, decoded and tried again."""

    beam_size: int
    longest_seconds: float  # of a window: the encoder's work grows with its square
    largest_gap_seconds: float  # between what goes into one window
    padding_seconds: float  # of silence behind one, at least: with more, less is written twice or misheard
    energy_spans: bool  # decode what speech detection left out and is as loud as speech, too
    tries: tuple[Try, ...]  # of a window that is in doubt, alone


PRESETS: dict[str, Preset] = {
    "careful": Preset(
        beam_size=5,
        longest_seconds=28.0,
        largest_gap_seconds=1.5,
        padding_seconds=3.0,
        energy_spans=True,
        tries=(AGAIN, WITHOUT_LOOPS),
    ),
    "fast": Preset(
        beam_size=1,
        longest_seconds=20.0,
        largest_gap_seconds=1.5,
        padding_seconds=2.0,
        energy_spans=False,
        tries=(WITHOUT_LOOPS,),
    ),
}


def chosen(options: Mapping[str, Any]) -> Preset:
    """The preset that a recording's options name; a beam that they give goes before the preset's."""
    preset = PRESETS[options["preset"]]
    return replace(preset, beam_size=options["beam_size"] or preset.beam_size)
