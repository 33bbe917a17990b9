"""A database that is taken away while the worker and the inbox run, and put back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.stage import Stage
from tests.voices import SHORT_CALL, speak

AWAY_SECONDS = 8.0
MOST_LINES = 20
AGAIN = "the database can be used again"


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps an open database where it is")
def test_workers_say_once_that_their_database_is_lost_and_go_on_when_it_is_back(
    stage: Stage, tmp_path: Path
) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    with stage.process("transcribe_worker"), stage.process("transcribe_worker.inbox"):
        stage.wait_for(lambda: {"worker", "inbox"} <= set(stage.running()), "worker and inbox")
        moved = [path.rename(aside / path.name) for path in stage.home.glob("offhook.db*")]
        stage.drop_call(speak(SHORT_CALL[:1], seed=61), "first.wav")
        time.sleep(AWAY_SECONDS)
        for path in moved:
            path.rename(stage.home / path.name)
        assert stage.finished("first")["status"] == "completed"
        for kind in ("worker", "inbox"):
            stage.wait_for(lambda kind=kind: AGAIN in log_of(stage, kind), "the next sweep")
    for kind in ("worker", "inbox"):
        log = log_of(stage, kind)
        assert log.count("the database cannot be used: database_unusable") == 1
        assert log.count(AGAIN) == 1
        assert len(log.splitlines()) <= MOST_LINES, log


def log_of(stage: Stage, kind: str) -> str:
    return (stage.home / "logs" / f"{kind}.log").read_text()
