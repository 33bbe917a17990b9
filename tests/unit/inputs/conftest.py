"""A machine whose devices do as the test says, and a recorder of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.unit.inputs.machine import Machine, Recorder


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def recorder(machine: Machine) -> Iterator[Recorder]:
    """A recording of the default devices."""
    with closing(Recorder(machine)) as recorder:
        yield recorder
