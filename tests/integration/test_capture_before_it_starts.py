"""A capture that has not been started, or could not be, says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from capture_worker import DualStreamCapture, Plan
from shared.capture_errors import NoDevice

ASKED: dict[str, Callable[[DualStreamCapture], object]] = {
    "stop": lambda capture: capture.stop(),
    "seconds": lambda capture: capture.seconds,
    "verdict": lambda capture: capture.verdict,
    "device_names": lambda capture: capture.device_names(),
}


@pytest.mark.parametrize("what", ASKED)
def test_a_capture_that_has_not_been_started_says_so(what: str, tmp_path: Path) -> None:
    capture = DualStreamCapture(tmp_path / "call.wav")
    with pytest.raises(RuntimeError, match="has not been started"):
        ASKED[what](capture)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ASKED)
def test_a_capture_that_found_no_device_leaves_no_file_and_says_that_nothing_runs(
    what: str, tmp_path: Path
) -> None:
    capture = DualStreamCapture(tmp_path / "call.wav", Plan(microphone="none", loopback="none"))
    with pytest.raises(NoDevice):
        capture.start()
    with pytest.raises(RuntimeError, match="has not been started"):
        ASKED[what](capture)
    assert capture.ended.is_set()
    assert list(tmp_path.iterdir()) == []
