"""Calls of hours, with long pauses: memory does not grow with them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.faults.whole_homes import WORKER, running
from tests.live_recorder import completed, counts, decoded_again, followed_to, nothing_live, recorded
from tests.stage import Stage, live_engine_of
from tests.voices import SAMPLE_RATE_HZ, Call, word_error_rate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds engines in /proc")
MINUTE = 60 * SAMPLE_RATE_HZ
#: The last stretch, which is not whole before the end.
LATEST_SECONDS = 130.0


def megabytes(pid: int) -> float:
    """The memory that a process has now (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) / 1000


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("minutes", "faster"), [(8, 60.0), pytest.param(65, 60.0, marks=pytest.mark.long)])
def test_memory_does_not_grow_with_the_length_of_a_call(
    stage: Stage, short_call: Call, minutes: int, faster: float
) -> None:
    """Two turns at the start of each of three parts, and silence: an hour of it in the long form.

    The samples of two such parts would take 61 MB, or 500 MB.
    """
    said = np.zeros(minutes * MINUTE, np.float32)
    for at in (0, 2 * MINUTE):
        said[at : at + len(short_call.samples)] = short_call.samples
    with running(stage, WORKER) as (worker,), recorded(stage, said, times=3, faster=faster) as recorder:
        followed_to(stage, recorder.session_id, 60.0 * minutes - LATEST_SECONDS)
        engine = live_engine_of(worker)
        assert engine
        before = [megabytes(pid) for pid in (worker.pid, engine)]
        for minute in range(minutes, 3 * minutes + 1, minutes // 4):
            followed_to(stage, recorder.session_id, 60.0 * minute - LATEST_SECONDS)
        assert live_engine_of(worker) == engine
        after = [megabytes(pid) for pid in (worker.pid, engine)]
        record = recorder.all_of_it().hang_up()
        words = completed(stage, record.id)
        assert counts(stage, record.id) == ("completed", 1, 0)
        assert nothing_live(stage)
        text = " ".join(segment[2] for segment in words[0])
        assert word_error_rate(" ".join([short_call.words] * 6), text) < 0.15
        assert decoded_again(stage, record.id) == words
    samples_megabytes = 2 * minutes * MINUTE * 4 / 1e6
    print(f"worker and engine: {before} MB, then {after} MB")
    assert after[0] - before[0] < samples_megabytes / 4
    assert after[1] - before[1] < samples_megabytes / 2
