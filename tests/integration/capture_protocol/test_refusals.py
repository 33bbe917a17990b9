"""Requests that are refused, and change nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from capture_worker.control.protocol import ACTIONS
from tests.integration.capture_protocol.conversation import Conversation, Home, only_record, spoken_to
from tests.tables import Capture, Record


def test_a_line_that_is_no_request_is_answered_and_nothing_else_happens(home: Home) -> None:
    with spoken_to(home) as (_, client):
        for line in (
            *(b"garbage", b"", b"\xff\xfe", b"[" * 20_000),
            *(b"[]", b'"start_recording"', b"{}", b'{"action": 7}'),
            b'{"action": "start_recording", "params": [1]}',
        ):
            client.send(line)
            reply = client.reply()
            assert (reply["id"], reply["ok"], reply["error"]["code"]) == (None, False, "bad_request")
        assert client.state() == "idle"


def test_requests_that_mean_nothing_are_refused_and_the_client_stays(client: Conversation) -> None:
    assert client.refused("fly") == "bad_request"
    assert client.refused("authenticate", nonce="x" * 32) == "bad_request"
    assert client.refused("start_recording", colour="red") == "bad_request"
    assert client.refused("start_recording", title=7) == "bad_request"
    assert client.refused("start_recording", output_path=["a"]) == "bad_request"
    assert client.refused("stop_recording", force="yes") == "bad_request"
    assert client.state() == "idle"


def test_a_refusal_names_what_there_is(client: Conversation) -> None:
    message = client.ask("fly")["error"]["message"]
    assert all(action in message for action in ACTIONS)
    assert "candidate_id" in client.ask("start_recording", colour="red")["error"]["message"]


def test_what_the_state_does_not_allow_is_refused_and_changes_nothing(client: Conversation) -> None:
    assert client.refused("stop_recording") == "not_recording"
    assert client.refused("discard_recording") == "not_recording"
    assert client.refused("attach_recording", candidate_id="c-1") == "unknown_session"
    assert client.refused("attach_recording", session_id="0000") == "unknown_session"
    assert client.state() == "idle"
    session_id = client.do("start_recording")["session_id"]
    assert client.refused("start_recording") == "already_recording"
    assert client.refused("attach_recording", session_id="0000", candidate_id="c-1") == "unknown_session"
    state = client.do("get_recording_state")
    assert (state["state"], state["session_id"], state["candidate_id"]) == ("recording", session_id, None)
    client.do("stop_recording")
    assert client.refused("stop_recording") == "not_recording"


def test_a_reply_has_the_id_of_its_request_whatever_that_is(home: Home) -> None:
    with spoken_to(home) as (_, client):
        for request_id in (7, "seven", None, [7], {"n": 7}):
            client.send(json.dumps({"id": request_id, "action": "get_recording_state"}).encode())
            assert client.reply()["id"] == request_id


def test_a_recording_that_waits_is_attached_or_discarded(home: Home) -> None:
    home.settings = replace(home.settings, finalise="manual")
    with home.worker():
        client = home.client()
        client.do("start_recording")
        assert client.do("stop_recording")["record_id"] is None
        assert client.state() == "stopped"
        assert client.refused("start_recording") == "recording_waits"
        client.do("attach_recording", candidate_id="c-7")
        assert (client.state(), only_record().candidate_id) == ("idle", "c-7")
        client.do("start_recording")
        client.do("stop_recording")
        client.do("discard_recording")
        assert (client.state(), Record.select().count()) == ("idle", 1)


@pytest.mark.parametrize("way", ["none", "default"])
def test_without_audio_devices_the_worker_stays_up_and_says_so(home: Home, way: str, tmp_path: Path) -> None:
    home.settings = replace(home.settings, microphone=way, loopback=way)
    nowhere = {"PULSE_SERVER": f"unix:{tmp_path / 'nobody'}"}
    with home.worker(env=home.environment | nowhere) as worker:
        client = home.client()
        found = client.do("check_audio_devices")
        assert (found["microphone"], found["loopback"], found["devices"]) == (None, None, [])
        assert (found["reason"] is None) == (way == "none")
        for _ in range(2):
            assert client.refused("start_recording") in ("no_device", "audio_unavailable")
        assert client.state() == "idle"
        assert worker.poll() is None
    assert list(home.settings.recording.iterdir()) == []
    assert (Record.select().count(), Capture.select().count()) == (0, 0)
