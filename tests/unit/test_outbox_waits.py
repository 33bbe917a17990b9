"""How long an outbox waits for a server: longer each time, and as long as the server asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from outbox_worker.backoff import LONGEST_ASKED_SECONDS, LONGEST_SECONDS, Backoff, asked_seconds


def test_waits_double_up_to_a_minute_and_begin_again_after_a_success() -> None:
    backoff = Backoff(jitter=lambda: 1.0)
    assert [backoff.after() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    backoff.reset()
    assert backoff.after() == 1


def test_jitter_spreads_a_wait_over_its_second_half() -> None:
    waits = [Backoff(jitter=lambda j=j: j).after() for j in (0.0, 0.5, 1.0)]  # type: ignore[misc]
    assert waits == [0.5, 0.75, 1.0]


def test_eight_hours_are_at_most_a_thousand_attempts() -> None:
    backoff, seconds, attempts = Backoff(jitter=lambda: 0.0), 0.0, 0
    while seconds < 8 * 3600:
        seconds, attempts = seconds + backoff.after(), attempts + 1
    assert attempts < 1000
    assert backoff.after() <= LONGEST_SECONDS


def test_a_server_that_asks_for_more_time_gets_it_but_not_for_ever() -> None:
    assert Backoff(jitter=lambda: 1.0).after(120.0) == 120.0
    assert Backoff(jitter=lambda: 1.0).after(1e9) == LONGEST_ASKED_SECONDS


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    now = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
    later = format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert asked_seconds("30") == 30.0
    assert asked_seconds(later, lambda: now.timestamp()) == 90.0


@pytest.mark.parametrize("header", [None, "", "soon", "-5", "\x00", "Mon, 99 Foo 2026"])
def test_any_other_retry_after_asks_for_nothing(header: str | None) -> None:
    assert asked_seconds(header) is None
