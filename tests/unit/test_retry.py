"""What follows from an error: every row of the table, the limits and the waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import (
    BadRecording,
    DamagedHeader,
    EmptyRecording,
    EngineCrashed,
    EngineFailed,
    EngineUnusable,
    ModelMissing,
    NoAudio,
    NotARecording,
    OffhookError,
    RecordingChanged,
    RecordingMissing,
    WorkerStopping,
)
from transcribe_worker.jobs.retry import (
    CRASH_WAIT_SECONDS,
    FIRST_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    Decision,
    Limits,
    after_crash,
    decide,
)

LIMITS = Limits(max_attempts=5, max_crashes=3)
NO_LIMIT = Limits(max_attempts=10**9, max_crashes=10**9)
PASSING = [OffhookError(), EngineFailed(), OSError(28, "No space left on device"), ValueError("?")]


def wait_seconds(attempts: int, jitter: float | None = 0.5) -> float:
    decision = decide(EngineFailed(), attempts=attempts, crashes=0, limits=NO_LIMIT, jitter=jitter)
    assert decision.action == "retry"
    return decision.wait_seconds


@pytest.mark.parametrize(
    "kind", [BadRecording, EmptyRecording, NoAudio, DamagedHeader, NotARecording, RecordingMissing]
)
def test_a_recording_that_is_itself_at_fault_fails_at_once(kind: type[BadRecording]):
    assert decide(kind(), attempts=1, crashes=0, limits=LIMITS) == Decision("fail")


@pytest.mark.parametrize("error", [ModelMissing(), EngineUnusable()], ids=lambda it: type(it).__name__)
@pytest.mark.parametrize("attempts", [1, 5, 50])
def test_what_is_missing_on_the_machine_holds_a_recording_however_often(error: OffhookError, attempts: int):
    assert decide(error, attempts=attempts, crashes=2, limits=LIMITS) == Decision("hold", wait_seconds=30.0)


@pytest.mark.parametrize("attempts", [1, 5])
def test_a_recording_that_changed_is_started_over_after_a_moment(attempts: int):
    decision = decide(RecordingChanged(), attempts=attempts, crashes=0, limits=LIMITS)

    assert decision == Decision("start_over", wait_seconds=5.0)


@pytest.mark.parametrize("attempts", [1, 5])
def test_a_worker_that_stops_hands_its_recording_back_at_once(attempts: int):
    assert decide(WorkerStopping(), attempts=attempts, crashes=0, limits=LIMITS) == Decision("hand_back")


@pytest.mark.parametrize("error", PASSING, ids=lambda it: type(it).__name__)
def test_any_other_error_is_worth_another_attempt_until_the_attempts_are_used_up(error: Exception):
    actions = [decide(error, attempts=attempts, crashes=0, limits=LIMITS).action for attempts in range(1, 8)]

    assert actions == ["retry"] * 4 + ["fail"] * 3


@pytest.mark.parametrize("error", PASSING, ids=lambda it: type(it).__name__)
def test_an_error_is_not_a_crash(error: Exception):
    assert not any(decide(error, attempts=n, crashes=2, limits=LIMITS).crashed for n in (1, 5))


def test_a_crash_is_counted_and_tried_again_soon_until_the_third():
    decisions = [decide(EngineCrashed(), attempts=1, crashes=crashes, limits=LIMITS) for crashes in range(4)]

    again = Decision("retry", wait_seconds=CRASH_WAIT_SECONDS, crashed=True)
    assert decisions == [again, again, Decision("fail", crashed=True), Decision("fail", crashed=True)]


def test_a_crash_in_the_last_attempt_is_the_end():
    assert decide(EngineCrashed(), attempts=5, crashes=0, limits=LIMITS) == Decision("fail", crashed=True)


def test_a_recording_whose_worker_is_gone_goes_on_without_a_wait():
    decision = after_crash(attempts=1, crashes=0, limits=LIMITS, wait_seconds=0.0)

    assert decision == Decision("retry", wait_seconds=0.0, crashed=True)


def test_with_one_attempt_or_one_crash_allowed_the_first_is_the_last():
    once = Limits(max_attempts=1, max_crashes=1)

    assert decide(EngineFailed(), attempts=1, crashes=0, limits=once) == Decision("fail")
    assert decide(EngineCrashed(), attempts=1, crashes=0, limits=once) == Decision("fail", crashed=True)


def test_waits_double_up_to_ten_minutes():
    waits = [wait_seconds(attempts) for attempts in range(1, 11)]

    assert waits == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 600.0, 600.0, 600.0]
    assert (waits[0], waits[-1]) == (FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS)


@given(st.integers(1, 40), st.floats(0, 1, exclude_max=True))
def test_jitter_spreads_a_wait_by_no_more_than_half(attempts: int, jitter: float):
    usual = wait_seconds(attempts)

    assert 0.5 * usual <= wait_seconds(attempts, jitter) <= 1.5 * usual


@given(st.integers(1, 40))
def test_a_wait_drawn_by_chance_is_within_the_same_bounds(attempts: int):
    usual = wait_seconds(attempts)

    assert 0.5 * usual <= wait_seconds(attempts, jitter=None) <= 1.5 * usual


def test_recordings_that_failed_together_come_back_at_different_moments():
    assert len({wait_seconds(3, jitter=None) for _ in range(20)}) == 20


@pytest.mark.parametrize("attempts", [100, 1_000, 1_025, 100_000])
def test_the_wait_stays_the_longest_however_many_attempts_a_setting_allows(attempts: int):
    assert wait_seconds(attempts) == LONGEST_WAIT_SECONDS
