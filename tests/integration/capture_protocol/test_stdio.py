"""The capture protocol over stdio."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from capture_worker.control.client import MOST_WAITING
from capture_worker.control.protocol import LONGEST_LINE_BYTES, SUBSCRIBE_LEVELS
from tests.integration.capture_protocol.conversation import (
    RATE_HZ,
    Home,
    only_record,
    read,
    spoken_to,
    wait_for,
)
from tests.tables import Record


@pytest.mark.parametrize("log_level", ["INFO", "DEBUG"])
def test_stdout_carries_nothing_but_the_protocol(home: Home, log_level: str) -> None:
    home.settings = replace(home.settings, log_level=log_level)
    with spoken_to(home) as (worker, client):
        client.do(SUBSCRIBE_LEVELS)
        client.do("start_recording")
        time.sleep(0.3)
        client.do("stop_recording")
        assert worker.stdin
        worker.stdin.close()
        assert worker.stdout
        rest = [json.loads(line) for line in worker.stdout]  # every line is JSON
        assert worker.wait(15) == 0
        assert b"capture started" in home.log.read_bytes()
    assert {message["type"] for message in client.events + rest} <= {"state", "warning", "level"}


def test_the_end_of_stdin_finishes_the_recording(home: Home) -> None:
    with spoken_to(home) as (worker, client):
        client.do("start_recording", title="cut short")
        time.sleep(0.3)
        assert worker.stdin
        worker.stdin.close()
        state = client.event("state")
        while state["state"] != "idle":
            state = client.event("state")
        assert state["last"]["record_id"] == only_record().id
        assert worker.wait(15) == 0
    record = only_record()
    assert (record.title, record.transcription_status) == ("cut short", "queued")
    read(record.recording_path)


def test_a_last_request_without_a_newline_is_answered(home: Home) -> None:
    with spoken_to(home) as (worker, client):
        client.writer.write(b'{"id": 1, "action": "get_recording_state"}')
        client.writer.close()
        assert client.reply()["id"] == 1
        assert worker.wait(15) == 0


def test_garbage_on_stdin_does_not_end_the_recording(home: Home) -> None:
    with spoken_to(home) as (_, client):
        client.do("start_recording")
        for rubbish in (b"garbage", b"x" * 10_000_000, b'{"action": "' + b"y" * LONGEST_LINE_BYTES + b'"}'):
            client.send(rubbish)
            reply = client.reply()
            assert (reply["ok"], reply["error"]["code"]) == (False, "bad_request")
        assert client.state() == "recording"
        outcome = client.do("stop_recording")
    assert outcome["verdict"]["sides"]["microphone"]["gaps"] == 0
    read(only_record().recording_path)


def test_a_program_that_reads_nothing_does_not_end_the_recording(home: Home) -> None:
    with spoken_to(home) as (worker, client):
        client.do(SUBSCRIBE_LEVELS)
        client.do("start_recording")
        for _ in range(2 * MOST_WAITING):
            client.send(b'{"action": "get_recording_state"}')
        time.sleep(0.5)
        assert worker.stdin
        worker.stdin.close()
        wait_for(lambda: Record.select().count(), "the recording")
        assert worker.wait(15) == 0
    assert len(read(only_record().recording_path)) > RATE_HZ // 2
