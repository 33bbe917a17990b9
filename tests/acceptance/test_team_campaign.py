"""A campaign against a team of machines, short and long: `python -m stress.team` is the longest."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stress.team.campaign import Plan, campaign, report
from stress.team.site import Size
from tests import postgres, s3
from tests.conftest import skip_or_fail


@pytest.mark.skipif(sys.platform != "linux", reason="finds engines in /proc")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("size", "calls", "kills"),
    [
        (Size(workstations=3, servers=2, webs=1), 15, 8),
        pytest.param(Size(workstations=6, servers=3, webs=2), 80, 50, marks=pytest.mark.long),
    ],
)
def test_no_call_is_lost_doubled_or_stuck_when_machines_of_a_team_are_killed_and_cut_off(
    tmp_path: Path, size: Size, calls: int, kills: int
) -> None:
    if why := postgres.missing() or s3.missing():
        skip_or_fail(why)
    outcome = campaign(tmp_path, Plan(size, calls, kills, seed=7, storage="s3"))
    print(report(outcome))
    assert outcome.verdict.faults == []
    assert len(outcome.calls) == calls
    assert outcome.claims["processing to completed"] == calls
