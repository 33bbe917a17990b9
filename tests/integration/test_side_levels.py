"""How loud both sides of a call were: what capture writes into a real database, and what is read from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shared.loudness import SideLevels, echo_bytes
from shared.store.captures import Captures
from shared.store.store import Store
from tests.tables import Loudness, execute

FULL_MINUTE = 60 * 50


def minute(byte: int, ticks: int = FULL_MINUTE) -> SideLevels:
    return SideLevels(
        50, bytes([byte]) * ticks, bytes([byte + 1]) * ticks, echo_bytes(byte / 255, 40) * (ticks // 50)
    )


@pytest.fixture
def captures(store: Store) -> Captures:
    captures = store.captures
    captures.begin("call", Path("/in/call.wav"), title="Call", layout="mono", started_at=1.0, worker_id="w")
    return captures


def note(captures: Captures, levels: dict[int, SideLevels]) -> None:
    captures.note("call", {"duration_seconds": 1.0}, levels)


def test_a_call_that_was_not_captured_here_has_no_levels(store: Store) -> None:
    assert store.captures.levels("call") is None


def test_the_minutes_of_a_call_are_joined_with_their_echo(captures: Captures) -> None:
    note(captures, {0: minute(1), 1: minute(2, ticks=100)})

    levels = captures.levels("call")

    assert levels == SideLevels(
        50,
        b"\1" * FULL_MINUTE + b"\2" * 100,
        b"\2" * FULL_MINUTE + b"\3" * 100,
        echo_bytes(1 / 255, 40) * 60 + echo_bytes(2 / 255, 40) * 2,
    )


def test_a_minute_grows_until_it_is_full(captures: Captures) -> None:
    note(captures, {0: minute(1, ticks=100)})
    note(captures, {0: minute(1)})

    assert captures.levels("call") == minute(1)


def test_a_minute_that_is_missing_is_silent_and_the_next_one_keeps_its_time(captures: Captures) -> None:
    note(captures, {1: minute(9), 2: minute(8, ticks=50)})
    execute("UPDATE loudness SET microphone = 'text' WHERE minute = 1")

    levels = captures.levels("call")

    assert levels
    assert levels.microphone == b"\xff" * 2 * FULL_MINUTE + b"\x08" * 50
    assert levels.loopback == b"\xff" * FULL_MINUTE + b"\x0a" * FULL_MINUTE + b"\x09" * 50
    assert levels.echo == b"\0" * 120 + echo_bytes(9 / 255, 40) * 60 + echo_bytes(8 / 255, 40)


def test_some_minutes_of_a_call_are_read_alone(captures: Captures) -> None:
    note(captures, {number: minute(number) for number in range(4)})

    levels = captures.levels("call", first_minute=1, end_minute=3)

    assert levels
    assert levels.microphone == b"\1" * FULL_MINUTE + b"\2" * FULL_MINUTE


@pytest.mark.parametrize(
    "damage", [{"minute": 10**15}, {"minute": -1}, {"ticks_per_second": 0}, {"ticks_per_second": 10**9}]
)
def test_a_minute_with_a_damaged_number_is_missing(captures: Captures, damage: dict[str, int]) -> None:
    note(captures, {0: minute(1)})
    Loudness.update(**damage).execute()

    assert captures.levels("call") is None


def test_an_older_call_has_ten_ticks_a_second_and_no_echo(captures: Captures) -> None:
    older = "INSERT INTO loudness (session_id, minute, microphone, loopback) VALUES ('call', ?, ?, ?)"
    execute(older, (0, b"a" * 600, b"b" * 600))
    execute(older, (1, b"c" * 20, b"d" * 20))

    assert captures.levels("call") == SideLevels(10, b"a" * 600 + b"c" * 20, b"b" * 600 + b"d" * 20, b"")


def test_an_hour_takes_less_than_half_a_megabyte_in_the_database(captures: Captures) -> None:
    chance = np.random.default_rng(1)
    note(
        captures,
        {n: SideLevels(50, chance.bytes(3000), chance.bytes(3000), chance.bytes(120)) for n in range(60)},
    )

    bytes_ = "SELECT sum(length(microphone) + length(loopback) + length(echo)) FROM loudness"
    assert execute(bytes_).fetchone()[0] < 500_000
