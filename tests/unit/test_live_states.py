"""The sentence that says how the text of a running call comes."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.desk.live_states import says
from shared.store.captures import RECORDING
from shared.store.live import FOLLOWING, OFF, LiveCall


def call(**columns: Any) -> LiveCall:
    nothing = dict.fromkeys(LiveCall.__dataclass_fields__)
    claimed = {"state": FOLLOWING, "token": "t", "behind_seconds": 0.0}
    return LiveCall(**{**nothing, **claimed, **columns})


def said(found: LiveCall | None, state: str = RECORDING, **how: bool) -> str:
    return says(state, found, **{"wanted": True, "chosen": False, "has_worker": True, **how})


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({}, "Text follows the call by about 3 seconds."),
        ({"behind_seconds": 12.2}, "12 s behind. The rest is transcribed after the call."),
        ({"yields": "capture_late"}, "Text waits: recording needs the machine."),
        ({"yields": "disk_late", "behind_seconds": 9.0}, "Text waits: the disk is slow. 9 s behind."),
        ({"yields": "hot"}, "Text waits: the machine is hot."),
        ({"yields": "a later reason"}, "Text waits: a later reason."),
        ({"token": None}, "Text begins soon: a worker loads its model."),
        (
            {"state": OFF, "why": "The engine failed 3 times."},
            "Live text is off. The engine failed 3 times. The call is transcribed after it has ended.",
        ),
    ],
)
def test_it_says_how_late_the_text_is_and_why(columns: dict[str, Any], sentence: str):
    assert said(call(**columns)) == sentence


def test_it_says_where_live_text_is_switched_on():
    assert "live = true in config.toml" in said(None, wanted=False)
    assert "the page of the recorder has the switch" in said(None, wanted=False, chosen=True)


def test_it_says_that_no_worker_runs_and_how_to_start_one():
    assert said(None, has_worker=False).endswith("To start one, type python start.py.")
    assert said(None) == "Text begins soon: a worker loads its model."


@pytest.mark.parametrize(
    ("state", "words"), [("stopped", "waits"), ("late", "finished"), ("interrupted", "kept")]
)
def test_it_says_what_becomes_of_a_call_that_has_ended(state: str, words: str):
    assert words in said(call(), state)
