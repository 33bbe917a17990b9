"""Settings that name a device which is not there, beside a real sound server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.pulse import PulseServer
from tests.stage import Stage


@pytest.fixture
def stage(tmp_path: Path, server: PulseServer) -> Stage:
    return Stage(tmp_path / "home", tuple(server.environment.items()))


def with_loopback(stage: Stage, name: str) -> Stage:
    return replace(stage, settings=(*stage.settings, ("OFFHOOK_LOOPBACK", name)))


def test_a_device_that_is_set_and_not_there_is_named_with_what_is_recorded_instead(stage: Stage) -> None:
    instead = "There is no loopback 'Conference Phone': Null Output would be recorded instead."
    wrong = with_loopback(stage, "Conference Phone")

    assert wrong.offhook("devices").stderr == f"{instead}\n"
    assert [
        (check["state"], check["message"])
        for check in wrong.read("doctor")["checks"]
        if check["check"] == "audio"
    ] == [("ok", "microphone Remapped Monitor of Null Output"), ("warning", instead)]


@pytest.mark.parametrize("name", ["default", "null"])
def test_a_device_that_is_there_needs_no_word(stage: Stage, name: str) -> None:
    assert with_loopback(stage, name).offhook("devices").stderr == ""


def test_no_device_is_marked_for_a_side_that_is_switched_off(stage: Stage) -> None:
    off = with_loopback(stage, "None")
    assert off.read("devices")["loopback"] is None
    assert off.offhook("devices").stderr == "No loopback would be recorded.\n"
