"""What a log says of an error, and what it keeps to itself."""

from __future__ import annotations

import errno
import json
import logging
import os
import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from shared.errors import RecordingMissing, StoreBusy
from shared.logs import DiscreetFormatter, JsonFormatter, discreet

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

settings = Settings(home=Path(sys.argv[1]), log_level="DEBUG", log_format=sys.argv[2])
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


def falls(home: Path, log_format: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", FALLS, str(home), log_format]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_at_debug_our_own_loggers_speak_and_nobody_says_a_name(tmp_path: Path, log_format: str):
    done = falls(tmp_path, log_format)
    log = (tmp_path / "logs" / "worker.log").read_text("utf-8")

    assert done.returncode == 1
    for text in (log, done.stderr):
        assert NAME not in text
        assert "our own" in text
        assert text.count("a fault in offhook itself") == 2
        assert text.count("KeyError") == 2


def test_every_line_of_a_json_log_is_an_object_also_of_a_fault(tmp_path: Path):
    done = falls(tmp_path, "json")
    logged = (tmp_path / "logs" / "worker.log").read_text("utf-8").splitlines()

    assert done.stderr.splitlines() == logged
    lines = [json.loads(line) for line in logged]
    assert [(line["message"], line["level"]) for line in lines] == [
        ("our own", "DEBUG"),
        *[("a fault in offhook itself", "CRITICAL")] * 2,
    ]
    assert {line["process"] for line in lines} == {"worker"}
    assert len({(line["host"], line["pid"]) for line in lines}) == 1
    assert lines[1]["exception"].endswith("KeyError")
    assert datetime.fromisoformat(lines[0]["time"]).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("message", "args", "subject"),
    [
        ("recording %d: completed", (7,), {"record_id": 7}),
        ("a copy of recording %d is left in the inbox", (7,), {"record_id": 7}),
        ("%s: recording %d", ("x", 7), {"record_id": 7}),
        ("call %s: followed", ("0f",), {"session_id": "0f"}),
        ("recordings kept for %d days are deleted: %d", (90, 3), {}),
        ("recording: silent", (), {}),
        ("a line\nof \x1b[31manother", (), {}),
    ],
)
def test_a_json_line_names_the_recording_that_it_is_about(
    message: str, args: tuple[object, ...], subject: dict[str, object]
):
    record = logging.LogRecord("shared.x", logging.INFO, __file__, 1, message, args, None)
    text = JsonFormatter("worker", "gpu-1").format(record)
    line = json.loads(text)

    assert {name: line[name] for name in ("record_id", "session_id") if name in line} == subject
    assert line["message"] == message % args
    assert text.isascii()
    assert text.isprintable()
