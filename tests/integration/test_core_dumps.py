"""A process that crashes leaves no core dump, in which the audio of a call would lie."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared import privacy
from tests.stage import Stage, engine_of

LIMITS = "Max core file size"
WITH_CORE_DUMPS = "ulimit -c unlimited 2>/dev/null || ulimit -c $(ulimit -H -c); exec"


def core_bytes(pid: int) -> str:
    """How large a core dump of a process may become (Linux)."""
    (line,) = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if LIMITS in line]
    return line.removeprefix(LIMITS).split()[0]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Processes that may write core dumps, unless they give that up themselves."""
    return Stage(tmp_path / "home", launcher=("bash", "-c", f'{WITH_CORE_DUMPS} "$0" "$@"'))


@pytest.mark.skipif(sys.platform != "linux", reason="limits are read from /proc")
def test_neither_a_worker_nor_its_engine_may_write_a_core_dump(stage: Stage) -> None:
    with stage.process("transcribe_worker") as worker, stage.process("capture_worker") as capture:
        stage.wait_for(lambda: {"worker", "capture"} <= set(stage.running()), "the workers")
        engine = stage.wait_for(lambda: _engine(worker), "the engine")
        stage.wait_for(lambda: core_bytes(engine) == "0", "the engine to give core dumps up")
        assert [core_bytes(process.pid) for process in (worker, capture)] == ["0", "0"]


def _engine(worker: subprocess.Popen[str]) -> int | None:
    try:
        return engine_of(worker)
    except ValueError:  # it is not there yet
        return None


def test_telemetry_is_off_only_where_every_library_is_told_so() -> None:
    environ: dict[str, str] = {"ORT_DISABLE_TELEMETRY": "0"}
    assert not privacy.telemetry_is_off(environ)
    privacy.stop_telemetry(environ)
    assert privacy.telemetry_is_off(environ)
