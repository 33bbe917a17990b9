"""Each command prints the keys and types of its table, and no others."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from shared.settings import RECORD_OPTIONS, Settings
from shared.store.transitions import STATES
from tests.integration.json_contract.contract import CONTRACT, ERASURE, RECORDING, problems, walk, written_out
from tests.integration.json_contract.homes import Answers
from tests.stage import Stage


@pytest.mark.parametrize("heading", CONTRACT)
def test_an_answer_has_the_keys_and_types_of_the_contract_and_no_others(
    answers: Answers, heading: str
) -> None:
    assert answers.to(heading)
    for answer in answers.to(heading):
        assert problems(answer, CONTRACT[heading]) == []


@pytest.mark.parametrize("heading", CONTRACT)
def test_every_key_is_seen_and_null_where_it_is_promised(answers: Answers, heading: str) -> None:
    """Otherwise the contract would promise what nobody has looked at."""
    seen = _seen(answers, heading)
    table = {key: kind for key, kind in CONTRACT[heading].items() if kind != "recording" and key != "."}
    table = written_out(table)
    assert {key: kind for key, kind in table.items() if seen.get(key) != _expected(kind)} == {}


def test_every_key_of_a_recording_is_seen_and_null_where_it_is_promised(answers: Answers) -> None:
    seen: dict[str, set[bool]] = {}
    for heading in ("offhook list", "offhook add"):
        for key, nulls in _seen(answers, heading).items():
            seen.setdefault(key.removeprefix("records[]."), set()).update(nulls)
    assert {key: kind for key, kind in RECORDING.items() if seen.get(key) != _expected(kind)} == {}


def test_every_key_of_an_erasure_is_seen_and_null_where_it_is_promised(answers: Answers) -> None:
    seen = _seen(answers, "offhook delete")
    assert {key: kind for key, kind in ERASURE.items() if seen.get(key) != _expected(kind)} == {}


def _seen(answers: Answers, heading: str) -> dict[str, set[bool]]:
    """Every key in the answers, and whether it was null."""
    seen: dict[str, set[bool]] = {}
    for answer in answers.to(heading):
        for path, value in walk(answer, written_out(CONTRACT[heading])):
            seen.setdefault(path, set()).add(value is None)
    return seen


def _expected(kind: str) -> set[bool]:
    return {True, False} if kind.endswith("or null") else {False}


def test_the_homes_that_are_asked_have_recordings_in_every_state(answers: Answers) -> None:
    (counts,) = [answer["counts"] for answer in answers.to("offhook status") if answer["running"]]
    assert {state for state, count in counts.items() if count} == set(STATES)
    workers = answers.to("offhook status")[1]["workers"]
    assert {worker["alive"] for worker in workers} == {True, False}


def test_the_options_of_a_recording_are_settings_that_may_be_chosen_for_it(answers: Answers) -> None:
    for answer in (*answers.to("offhook list"), *answers.to("offhook add")):
        for record in answer["records"]:
            assert set(record["options"]) <= set(RECORD_OPTIONS)


def test_every_setting_is_in_the_answer_of_config(answers: Answers) -> None:
    for answer in answers.to("offhook config"):
        assert list(answer["settings"]) == [f.name for f in fields(Settings)]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"hits": [], "more": 1}, ": more is unknown"),
        ({}, ": hits is missing"),
        ({"hits": None}, "hits: None is not list"),
        ([], ": [] is not None"),
    ],
)
def test_a_departure_from_the_contract_is_noticed(answer: Any, problem: str) -> None:
    assert problems(answer, CONTRACT["offhook search"]) == [problem]


def test_a_missing_key_of_a_recording_is_noticed_in_every_entry(answers: Answers) -> None:
    answer = json.loads(json.dumps(answers.to("offhook list")[1]))
    del answer["records"][2]["sha256"]
    answer["records"][0]["attempts"] = True
    assert sorted(problems(answer, CONTRACT["offhook list"])) == [
        "records[].attempts: True is not integer",
        "records[]: sha256 is missing",
    ]


def test_a_command_that_fails_prints_no_json(empty: Stage) -> None:
    done = empty.offhook("show", "4711", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "offhook: There is no recording 4711. `offhook list` shows them all.\n"
