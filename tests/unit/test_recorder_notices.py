"""What a page says about the notices of a recording."""

from __future__ import annotations

from typing import Any

import pytest

from capture_worker.notices import NOTICES
from offhook.desk.recorder_notices import CONSENT, REMEDIES, consent, notices
from shared.errors import DiskFull, OffhookError

SIDES = ("microphone", "loopback")
LOST = {"code": "device_lost", "message": NOTICES["device_lost"].format(side="microphone")}


def state(*warnings: dict[str, str], **changes: Any) -> dict[str, Any]:
    devices = dict.fromkeys(SIDES, "Headset")
    return {"state": "recording", **devices, "warnings": list(warnings), **changes}


def test_there_is_a_remedy_for_every_code_that_the_recorder_sends_and_for_no_other() -> None:
    assert set(REMEDIES) == {*NOTICES, DiskFull.code, OffhookError.code}


def test_a_lost_device_is_minded_until_it_is_back() -> None:
    (gone,) = notices(state(LOST, microphone=None))
    assert (gone["is_over"], gone["remedy"]) == (False, REMEDIES["device_lost"])
    (back,) = notices(state(LOST))
    assert back["is_over"]


def test_the_other_side_does_not_make_good_for_a_lost_one() -> None:
    (gone,) = notices(state(LOST, microphone=None, loopback="Headset"))
    assert not gone["is_over"]


@pytest.mark.parametrize("side", SIDES)
def test_a_missing_side_is_minded_until_it_is_recorded(side: str) -> None:
    missing = {"code": f"{side}_missing", "message": NOTICES[f"{side}_missing"]}
    assert [each["is_over"] for each in notices(state(missing, **{side: None}))] == [False]
    assert [each["is_over"] for each in notices(state(missing))] == [True]


def test_after_a_recording_only_its_end_is_still_to_be_minded() -> None:
    full = {"code": DiskFull.code, "message": "The disk is full."}
    ended = state(LOST, full, state="idle", microphone=None, loopback=None)
    assert [each["code"] for each in notices(ended)] == [DiskFull.code]


def test_a_notice_that_comes_twice_is_shown_once() -> None:
    assert [each["times"] for each in notices(state(LOST, LOST))] == [2]


def test_the_reminder_of_consent_is_apart_and_ends_with_the_recording() -> None:
    reminder = {"code": CONSENT, "message": "Ask before you record."}
    assert (notices(state(reminder)), consent(state(reminder))) == ([], "Ask before you record.")
    assert consent(state(reminder, state="idle")) is None
