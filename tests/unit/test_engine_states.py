"""How engines are used is read from workers of any version; what cannot be read is not shown."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest

from transcribe_worker.engine.setup import Setup, setups_as_json, setups_from_json

SETUP = Setup("cuda", "float16", 1, 0, 16, "the GPU was out of memory")
FIELDS = asdict(SETUP)


def written(*setups: Any, **others: Any) -> str:
    return json.dumps({"version": 1, "setups": list(setups), **others})


def test_setups_come_back_as_they_were() -> None:
    assert setups_from_json(setups_as_json([SETUP, SETUP])) == [SETUP, SETUP]
    assert setups_from_json(setups_as_json([])) == []


def test_the_setups_of_an_earlier_worker_are_read() -> None:
    assert setups_from_json(json.dumps([FIELDS])) == [SETUP]


def test_fields_of_a_later_worker_are_passed_over() -> None:
    assert setups_from_json(written(FIELDS | {"watts": {"mean": 15}}, heat=[])) == [SETUP]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "garbage",
        "7",
        "null",
        "{}",
        "[" * 100_000,
        "[7, null, []]",
        json.dumps({"version": 2, "setups": [FIELDS]}),
        written({"device": "cpu"}),
        written(FIELDS | {"lanes": "many"}),
        written(FIELDS | {"lanes": None}),
        '{"version": 1, "setups": 3}',
    ],
)
def test_what_cannot_be_read_is_left_out(text: str | None) -> None:
    assert setups_from_json(text) == []
