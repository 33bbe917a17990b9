"""Presets: what a recording's own options change in them."""

from __future__ import annotations

import pytest

from shared.settings import RecordOptions
from transcribe_worker.recognition.presets import PRESETS, chosen


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("beam_size", [0, 1, 5, 8, 20])
def test_a_window_in_doubt_is_tried_again_with_a_wider_beam(preset: str, beam_size: int) -> None:
    """The same beam would write the same loop, and so confirm it."""
    found = chosen(RecordOptions(preset=preset, beam_size=beam_size))
    assert found.beam_size == (beam_size or PRESETS[preset].beam_size)
    assert found.again["beam_size"] > found.beam_size


@pytest.mark.parametrize("preset", PRESETS)
def test_the_second_try_of_a_preset_has_a_beam_of_eight(preset: str) -> None:
    assert chosen(RecordOptions(preset=preset)).again == {"beam_size": 8}
