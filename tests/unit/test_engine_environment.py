"""What an engine process is told about memory."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import EngineUnusable
from transcribe_worker.engine.child import EngineProcess


def environment() -> dict[str, str]:
    """Return the environment that an engine is started with."""
    found: dict[str, str] = {}

    def popen(_: Any, **options: Any) -> Any:
        found.update(options["env"])
        raise OSError(2, "No such file or directory")

    with pytest.raises(EngineUnusable, match="No such file or directory"):
        EngineProcess(popen=popen)
    return found


def test_an_engine_keeps_one_heap_and_returns_large_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_"):
        monkeypatch.delenv(name, raising=False)

    assert environment().items() >= {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "8388608"}.items()


def test_what_a_user_has_set_for_memory_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")

    assert environment()["MALLOC_ARENA_MAX"] == "4"
