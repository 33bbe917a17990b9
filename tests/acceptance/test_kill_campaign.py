"""A kill campaign, short and long: `python -m stress.kill` is the longest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stress.kill import campaign, report
from stress.supervisor import TARGETS


@pytest.mark.skipif(sys.platform != "linux", reason="finds engines in /proc")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [6, pytest.param(40, marks=pytest.mark.long)])
def test_nothing_is_lost_doubled_stuck_or_wrong_after_many_kills(tmp_path: Path, kills: int) -> None:
    outcome = campaign(tmp_path, kills=kills, seed=11)
    print(report(outcome))
    assert outcome.verdict.faults == []
    assert outcome.decoded.faults == []
    assert sum(outcome.killed.values()) == kills
    assert set(outcome.killed) <= {*TARGETS}
    assert sum(drop.speech is not None for drop in outcome.drops) > kills // 8
    assert len(outcome.calls) >= max(1, kills // 8)
    assert kills < 40 or set(outcome.killed) == {*TARGETS}
    assert kills < 40 or outcome.live["completed at the end of its call"]
    assert kills < 40 or outcome.decoded.twice_percent <= 3  # a share of few minutes says little
    assert max(outcome.reclaims, default=0.0) < 30
