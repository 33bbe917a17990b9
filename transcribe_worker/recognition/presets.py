"""Presets: how carefully a recording is decoded, as one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.settings import RecordOptions

#: Decoding options. None samples at random: after a crash a window must be decoded as it would have been.
Options = Mapping[str, Any]

#: The least beam for a window in doubt, and how much wider it is than the recording's own. A loop that the
#: same beam writes again is not confirmed.
WIDE_BEAM, WIDER = 8, 3
#: For a window that is still in doubt.
WITHOUT_LOOPS: Options = {"beam_size": 5, "no_repeat_ngram_size": 3}


@dataclass(frozen=True)
class Preset:
    """How windows are made, decoded and tried again."""

    beam_size: int
    longest_seconds: float  # of a window: the encoder's work grows with its square
    largest_gap_seconds: float  # between what goes into one window
    padding_seconds: float  # of silence after one, at least; more of it prevents repeated words
    is_tried_again: bool = True  # what is in doubt; a text that is shown for seconds is not worth it

    @property
    def tries(self) -> tuple[Options, ...]:
        """The options of each further try of a window in doubt."""
        return (self.again, WITHOUT_LOOPS) if self.is_tried_again else ()

    @property
    def again(self) -> Options:
        """The options for a window in doubt."""
        return {"beam_size": max(WIDE_BEAM, self.beam_size + WIDER)}


PRESETS: dict[str, Preset] = {
    "careful": Preset(
        beam_size=5,
        longest_seconds=28.0,
        largest_gap_seconds=1.5,
        padding_seconds=3.0,
    ),
    "fast": Preset(
        beam_size=1,
        longest_seconds=28.0,
        largest_gap_seconds=1.5,
        padding_seconds=2.0,
    ),
}

#: For text that is replaced a few seconds later.
PROVISIONAL = replace(PRESETS["fast"], is_tried_again=False)


def chosen(options: RecordOptions) -> Preset:
    """Return the preset of a recording's options; their beam size, if any, replaces the preset's."""
    preset = PRESETS[options.preset]
    return replace(preset, beam_size=options.beam_size or preset.beam_size)
