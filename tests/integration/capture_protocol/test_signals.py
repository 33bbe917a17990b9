"""A capture worker that is ended by a signal or killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing

import pytest

from tests.integration.capture_protocol.conversation import Home, only_record, read, spoken_to, wait_for
from tests.stage import Stage, end
from tests.tables import Record

POSIX_ONLY = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signal")


def test_a_second_worker_stands_by_and_takes_over_when_the_first_is_killed(home: Home) -> None:
    with home.worker() as first:
        client = home.client()
        session_id = client.do("start_recording")["session_id"]
        with home.worker() as second:
            stage = Stage(home.settings.home)
            stage.wait_for(
                lambda: {w["state"] for w in stage.read("status")["workers"]} == {"recording", "standby"},
                "the second to stand by",
            )
            assert home.control()["pid"] == first.pid
            wait_for(lambda: client.do("get_recording_state")["duration_seconds"] > 1.0, "some audio")
            first.kill()
            first.wait()
            wait_for(lambda: home.control()["pid"] == second.pid, "the second to take over")
            heir = home.client()
            assert heir.state() == "idle"
            assert wait_for(lambda: Record.select().count(), "the recording of the first") == 1
            assert only_record().session_id == session_id
            heir.do("start_recording")
            time.sleep(0.2)
            heir.do("stop_recording")
    assert Record.select().count() == 2


def test_a_worker_that_stands_by_goes_when_it_is_told_to(home: Home) -> None:
    with home.worker() as first:
        home.control()
        with home.worker() as second:
            stage = Stage(home.settings.home)
            stage.wait_for(
                lambda: "standby" in {w["state"] for w in stage.read("status")["workers"]},
                "the second to stand by",
            )
            end(second)
            assert second.returncode == 0
        assert home.control()["pid"] == first.pid
        assert home.client().state() == "idle"


@POSIX_ONLY
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_finishes_the_recording_over_stdio_as_well(home: Home, how: signal.Signals) -> None:
    with spoken_to(home) as (worker, client):
        client.do("start_recording")
        time.sleep(0.3)
        worker.send_signal(how)
        assert worker.wait(15) == 0
        assert b"Fatal" not in home.log.read_bytes()
    read(only_record().recording_path)


def test_half_a_sign_is_no_text(listening: Home) -> None:
    intruder = listening.connect()
    intruder.send(b'{"id": 1, "action": "authenticate", "params": {"nonce": "\\ud800"}}')
    assert intruder.reply()["error"]["code"] == "bad_request"
    client = listening.client()
    for value in (r"\ud800", r"a\u0000b"):
        client.send(b'{"id": 1, "action": "start_recording", "params": {"title": "%s"}}' % value.encode())
        assert client.reply()["error"]["code"] == "bad_request"
    assert client.state() == "idle"
    assert list(listening.settings.recording.iterdir()) == []
    assert b"Traceback" not in listening.log.read_bytes()


@POSIX_ONLY
def test_a_signal_is_noticed_though_somebody_holds_the_database(home: Home) -> None:
    """A supervisor kills after some seconds; the database may be held for longer."""
    with home.worker() as worker:
        client = home.client()
        client.do("start_recording")
        time.sleep(0.5)
        with closing(sqlite3.connect(home.settings.database_file, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(25) == 0
            holder.execute("ROLLBACK")
    with home.worker():
        home.control()
        wait_for(lambda: Record.select().count() == 1, "the recording")
    read(only_record().recording_path)
