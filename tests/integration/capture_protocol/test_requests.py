"""What a client can ask the capture worker for."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from capture_worker.control.protocol import SUBSCRIBE_LEVELS
from shared.settings import Settings
from tests.integration.capture_protocol.conversation import Conversation, Home, only_record, read, spoken_to
from tests.tables import Capture, Loudness, Record


def test_a_call_is_started_watched_attached_and_stopped(
    client: Conversation, devices: dict[str, str]
) -> None:
    assert client.state() == "idle"
    started = client.do("start_recording", title="Ms. Okafor", candidate_id="c-1")
    assert (started["state"], started["title"], started["candidate_id"]) == ("recording", "Ms. Okafor", "c-1")
    assert {side: started[side] for side in devices} == devices
    attached = client.do("attach_recording", candidate_id="c-7", project_id="p-3")
    assert attached == {"session_id": started["session_id"], "record_id": None}
    running = client.do("get_recording_state")
    assert (running["session_id"], running["candidate_id"]) == (started["session_id"], "c-7")
    time.sleep(0.3)
    outcome = client.do("stop_recording")
    record = only_record()
    assert (outcome["record_id"], outcome["recording_path"]) == (record.id, record.recording_path)
    assert (record.session_id, record.candidate_id, record.project_id) == (
        started["session_id"],
        "c-7",
        "p-3",
    )
    read(record.recording_path)
    idle = client.do("get_recording_state")
    assert (idle["state"], idle["last"]) == ("idle", outcome)
    done = client.do("attach_recording", session_id=started["session_id"], candidate_id="c-8")
    assert done == {"session_id": started["session_id"], "record_id": record.id}
    assert only_record().candidate_id == "c-8"


def test_a_recording_goes_where_a_client_wants_it(client: Conversation, tmp_path: Path) -> None:
    wanted = tmp_path / "calls" / "Grüße.wav"
    client.do("start_recording", output_path=str(wanted))
    time.sleep(0.2)
    assert client.do("stop_recording")["recording_path"] == str(wanted)
    read(wanted)
    assert client.refused("start_recording", output_path=str(wanted)) == "FileExistsError"


def test_a_recording_is_discarded(client: Conversation, settings: Settings) -> None:
    session_id = client.do("start_recording")["session_id"]
    assert client.do("discard_recording") == {"session_id": session_id, "discarded": True}
    assert client.state() == "idle"
    assert list(settings.recording.iterdir()) == list(settings.inbox.iterdir()) == []
    assert [model.select().count() for model in (Record, Capture, Loudness)] == [0, 0, 0]


def test_the_devices_are_told(client: Conversation, devices: dict[str, str]) -> None:
    found = client.do("check_audio_devices")
    assert {side: found[side]["name"] for side in devices} == devices
    assert len(found["devices"]) == 2


def test_each_change_of_state_and_each_warning_is_told_to_all(home: Home) -> None:
    home.settings = replace(home.settings, loopback="default")
    with home.worker():
        actor, onlooker = home.client(), home.client()
        session_id = actor.do("start_recording")["session_id"]
        warning = onlooker.event("warning")
        assert (warning["code"], set(warning)) == ("loopback_missing", {"type", "code", "message"})
        state = onlooker.event("state")
        assert (state["state"], state["session_id"]) == ("recording", session_id)
        outcome = actor.do("stop_recording")
        state = onlooker.event("state")
        assert (state["state"], state["last"]) == ("idle", outcome)
        assert [event["type"] for event in actor.events] == ["warning", "state", "state"]


def test_a_recording_that_ends_by_itself_is_told(home: Home) -> None:
    home.settings = replace(home.settings, longest_recording_minutes=0.01)
    with spoken_to(home) as (_, client):
        client.do("start_recording")
        client.events.clear()
        state = client.event("state")
        assert (state["state"], state["last"]["reason"]) == ("idle", "longest_recording")
        assert client.refused("stop_recording") == "not_recording"


def test_levels_come_ten_times_a_second_to_those_who_want_them(listening: Home) -> None:
    client = listening.client()
    client.do("start_recording")
    time.sleep(0.4)
    client.state()
    assert "level" not in [event["type"] for event in client.events]
    assert client.do(SUBSCRIBE_LEVELS) == {"on": True}
    client.event("level")
    began = time.monotonic()
    levels = [client.event("level") for _ in range(20)]
    assert time.monotonic() - began == pytest.approx(2.0, abs=0.3)
    gaps = np.diff([level["seconds"] for level in levels])
    assert np.mean(gaps) == pytest.approx(0.1, abs=0.015)
    for level in levels:
        assert set(level) == {"type", "mic", "loopback", "mic_peak", "loopback_peak", "seconds"}
        assert 0.1 < level["mic"] < level["mic_peak"] < 0.3
        assert 0.1 < level["loopback"] < level["loopback_peak"] < 0.3
    assert client.do(SUBSCRIBE_LEVELS, on=False) == {"on": False}
    client.events.clear()
    time.sleep(0.4)
    client.state()
    assert client.events == []


def test_levels_go_to_nobody_else(listening: Home) -> None:
    curious, other = listening.client(), listening.client()
    curious.do(SUBSCRIBE_LEVELS)
    other.do("start_recording")
    for _ in range(3):
        curious.event("level")
    other.state()
    assert {event["type"] for event in other.events} == {"state"}
