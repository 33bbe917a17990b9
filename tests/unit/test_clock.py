"""The clock of a recording."""

from __future__ import annotations

import sys
import time

import pytest

from capture_worker.clock import steady_seconds


@pytest.mark.skipif(sys.platform != "linux", reason="Linux has a clock of its own that counts a sleep")
def test_the_clock_of_a_recording_counts_what_the_machine_sleeps() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= steady_seconds() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_the_clock_of_a_recording_goes_as_fast_as_others_while_the_machine_is_awake() -> None:
    began, also = steady_seconds(), time.perf_counter()
    time.sleep(0.2)
    assert steady_seconds() - began == pytest.approx(time.perf_counter() - also, abs=0.02)
