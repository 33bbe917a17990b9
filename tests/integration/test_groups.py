"""Tests of one group run in one process, because they would compete for sound, disks or processors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.stage import ROOT

CONFTEST = """
import pytest
from tests.groups import arrange

@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    arrange(items)
"""
TESTS = """
import os, time, pytest

@pytest.mark.parametrize("number", range(6))
def test_it_runs(number, request):
    time.sleep(0.05)
    with open(os.environ["SEEN"], "a") as seen:
        seen.write(f"{request.path.name} {os.environ['PYTEST_XDIST_WORKER']}\\n")
"""


def test_the_tests_of_a_file_run_in_one_process_and_two_files_in_two(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in ("test_one.py", "test_two.py"):
        (tmp_path / name).write_text(TESTS)
    seen = tmp_path / "seen"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    several = ("-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", tmp_path, *several, tmp_path],
        cwd=ROOT,
        env={**environment, "PYTHONPATH": str(ROOT), "SEEN": str(seen)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    ran = [line.split() for line in seen.read_text().splitlines()]
    assert len(ran) == 12
    assert {len({process for file, process in ran if file == name}) for name, _ in ran} == {1}
    assert len({process for _, process in ran}) == 2
