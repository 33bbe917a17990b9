"""Memory of this machine, and the share of it that an engine may take by default."""

from __future__ import annotations

import math

import pytest

from shared.machine import half_of_memory_gb, memory_bytes
from shared.settings import MOST_ENGINE_MEMORY_GB, Settings
from transcribe_worker import memory

GB = 1e9


@pytest.mark.parametrize(
    ("machine_gb", "allowed_gb"), [(2, 1.0), (7.9, 3.9), (16, 8.0), (32, 16.0), (512, 16.0), (math.inf, 16.0)]
)
def test_half_of_the_memory_is_allowed_and_16_gb_at_most(machine_gb: float, allowed_gb: float) -> None:
    assert half_of_memory_gb(16.0, machine_gb * GB) == pytest.approx(allowed_gb)


def test_an_engine_may_take_half_of_this_machine_by_default() -> None:
    allowed = Settings().engine_memory_gb
    assert 0 < allowed <= min(memory_bytes() / 2 / GB, MOST_ENGINE_MEMORY_GB)


def test_this_machine_tells_its_memory() -> None:
    assert GB / 2 < memory.free_bytes() <= memory_bytes() < math.inf
