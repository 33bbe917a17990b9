"""A team's server for all tests of a module, and a workstation for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import team as teams
from tests.team import Team, Workstation


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with teams.team(tmp_path_factory.mktemp("team")) as found:
        yield found


@pytest.fixture
def desk7(tmp_path: Path, team: Team) -> Iterator[Workstation]:
    """A workstation that has joined the server."""
    with teams.workstation(tmp_path, team) as found:
        found.join()
        yield found
