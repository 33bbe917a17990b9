"""Presets: how carefully a recording is decoded, as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.settings import RecordOptions

#: Decoding options of one more try at a window in doubt. None samples at random: after a crash a window must
#: be decoded as it would have been without.
Try = Mapping[str, Any]

AGAIN: Try = {"beam_size": 5}
WITHOUT_LOOPS: Try = {"beam_size": 5, "no_repeat_ngram_size": 3}


@dataclass(frozen=True)
class Preset:
    """How windows are made, decoded and tried again."""

    beam_size: int
    longest_seconds: float  # of a window: the encoder's work grows with its square
    largest_gap_seconds: float  # between what goes into one window
    padding_seconds: float  # of silence after one, at least; more of it prevents repeated words
    energy_spans: bool  # also decode what is as loud as speech and was not detected as speech
    tries: tuple[Try, ...]  # of a window in doubt


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


def chosen(options: RecordOptions) -> Preset:
    """Return the preset of a recording's options; their beam size, if any, replaces the preset's."""
    preset = PRESETS[options.preset]
    return replace(preset, beam_size=options.beam_size or preset.beam_size)
