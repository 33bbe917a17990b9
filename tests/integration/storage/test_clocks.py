"""A machine whose clock is an hour off can use a storage in S3, which signs by the server's clock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clocks import clock_in
from tests.conftest import skip_or_fail
from tests.integration.storage.conftest import a_storage
from tests.stage import ROOT

PUTS = """
import hashlib, pathlib, sys
from archive.storage.storage import storage_of
from shared.settings import Settings
path = pathlib.Path(sys.argv[2])
storage = storage_of(Settings(home=path.parent, storage=sys.argv[1]))
assert not storage.exists("calls/2026/11/other.wav")
storage.put("calls/2026/11/call.wav", path, hashlib.sha256(path.read_bytes()).hexdigest())
assert storage.open("calls/2026/11/call.wav").read() == path.read_bytes()
print(*storage.list())
"""


@pytest.mark.parametrize("offset", ["+1h", "-1h"])
@pytest.mark.parametrize("megabytes", [0.1, 17.0])
def test_a_machine_whose_clock_is_an_hour_off_uses_a_storage_in_s3(
    tmp_path: Path, request: pytest.FixtureRequest, offset: str, megabytes: float
) -> None:
    clock = clock_in(tmp_path / "clock")
    if clock is None:
        skip_or_fail("needs libfaketime")
    clock.set(offset)
    url, path = a_storage("s3", tmp_path, request), tmp_path / "call.wav"
    path.write_bytes(os.urandom(round(megabytes * 1_000_000)))
    command = [sys.executable, "-c", PUTS, url, str(path)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **dict(clock.settings)}, capture_output=True, text=True
    )
    assert (done.stdout.split(), done.returncode) == (["calls/2026/11/call.wav"], 0), done.stderr
