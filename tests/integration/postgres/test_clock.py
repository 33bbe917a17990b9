"""Machines whose clocks differ by an hour judge waits and leases by the server's clock."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.claims import Failure
from shared.store.store import Store
from tests.clocks import clock_in
from tests.conftest import skip_or_fail
from tests.databases import place_of
from tests.stage import ROOT

CLAIMS = """
import sys, time
from shared.store.store import Store
with Store.open(sys.argv[1], "late") as store:
    due = [record.id for record in store.records.due(9)]
    claim = store.claims.claim(1, worker_id="late", model="tiny.en", lease_seconds=60)
    store.workers.enter("late", "worker", 1)
    print(time.time(), due, bool(claim))
"""


@pytest.mark.parametrize("offset", ["-1h", "+1h"])
def test_machines_an_hour_apart_agree_on_when_a_wait_is_over(
    store: Store, settings: Settings, tmp_path: Path, offset: str
) -> None:
    clock = clock_in(tmp_path / "clock")
    if clock is None:
        skip_or_fail("needs libfaketime")
    assert clock
    clock.set(offset)
    store.records.add(source="added", title="call", recording_path="/call.wav")
    held = store.claims.claim(1, worker_id="w", model="tiny.en", lease_seconds=60)
    assert held
    store.claims.retry_later(held, Failure("engine_crashed", "It crashed."), wait_seconds=600)

    command = [sys.executable, "-c", CLAIMS, place_of(settings)]
    environment = os.environ | dict(clock.settings)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    told, due, claimed = done.stdout.split(maxsplit=2)

    assert abs(abs(float(told) - time.time()) - 3600) < 60
    assert (due, claimed.strip()) == ("[]", "False")
    (worker,) = store.workers.every()
    assert abs(worker.last_seen_at - store.clock()) < 60
