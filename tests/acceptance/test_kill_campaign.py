"""A short kill campaign: `python -m stress.kill` is the long one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stress.kill import campaign, report

KILLS = 40


@pytest.mark.skipif(sys.platform != "linux", reason="finds engines in /proc")
@pytest.mark.timeout(600)
def test_nothing_is_lost_doubled_stuck_or_wrong_after_forty_kills(tmp_path: Path) -> None:
    outcome = campaign(tmp_path, kills=KILLS, seed=11)
    print(report(outcome))
    assert outcome.verdict.faults == []
    assert outcome.decoded.faults == []
    assert sum(outcome.killed.values()) == KILLS
    assert set(outcome.killed) == {"worker", "engine", "inbox", "capture"}
    assert sum(drop.speech is not None for drop in outcome.drops) > 5
    assert len(outcome.calls) > 5
    assert outcome.decoded.twice_percent <= 3
    assert max(outcome.reclaims, default=0.0) < 30
