"""What a log says of an error, and what it keeps to itself."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from shared.errors import RecordingMissing, StoreBusy
from shared.logs import DiscreetFormatter, discreet

ROOT = Path(__file__).parents[2]
NAME = "Zwetschgenmann"

# Logs to a home at DEBUG, through every logger there is, and lets a thread and then itself fall.
FALLS = f"""
import logging, sys, threading
from pathlib import Path
from shared import home
from shared.store.store import Store
from shared.logs import log_faults, log_to
from shared.store.store import Store
from shared.settings import Settings

settings = Settings(home=Path(sys.argv[1]), log_level="DEBUG")
home.prepare(settings)
log_to(settings, "worker")
log_faults()
Store.of_home(settings).records.add(source="inbox", title="{NAME}", recording_path="/{NAME}.wav")
logging.getLogger("some.library").debug("{NAME}")
logging.getLogger("transcribe_worker.jobs.transcriber").debug("our own")

def fall():
    raise KeyError("{NAME}")

thread = threading.Thread(target=fall)
thread.start()
thread.join()
fall()
"""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), f"/{NAME}.wav"),
            os.strerror(errno.ENOENT),
        ),
        (OSError(NAME), "OSError"),
        (RecordingMissing(f"The recording /{NAME}.wav is gone."), "recording_missing"),
        (StoreBusy(f"/{NAME}/offhook.db is in use by another program."), "database_busy"),
        (sqlite3.OperationalError(f"no such column: {NAME}"), "OperationalError"),
        (ValueError(f"invalid literal: {NAME}"), "ValueError"),
        (KeyError(NAME), "KeyError"),
    ],
)
def test_an_error_is_told_by_its_kind_and_not_by_what_it_names(error: Exception, said: str):
    assert said in discreet(error)
    assert NAME not in discreet(error)


def test_an_exception_is_logged_with_where_it_came_from_and_what_was_behind_it():
    try:
        try:
            int(NAME)
        except ValueError as error:
            raise OSError(errno.EACCES, "Permission denied", f"/{NAME}") from error
    except OSError:
        record = logging.LogRecord("a", logging.ERROR, __file__, 1, "sweep failed", None, sys.exc_info())
    text = DiscreetFormatter("%(message)s").format(record)

    assert NAME not in text
    assert text.splitlines()[-1] == "PermissionError: Permission denied"
    assert "ValueError" in text
    assert text.count(Path(__file__).name) == 2


def test_at_debug_our_own_loggers_speak_and_nobody_says_a_name(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", FALLS, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    log = (tmp_path / "logs" / "worker.log").read_text("utf-8")

    assert done.returncode == 1
    for text in (log, done.stderr):
        assert NAME not in text
        assert "our own" in text
        assert text.count("a fault in offhook itself") == 2
        assert text.count("KeyError") == 2
