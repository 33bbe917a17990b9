"""A queue of hints that cannot be used for a while."""

from __future__ import annotations

import logging

import pytest

from transcribe_worker.jobs.hint_storage.outage import LONGEST_WAIT_SECONDS, Outage

log = logging.getLogger("test")


def test_an_outage_is_logged_once_with_its_end_and_without_the_words_of_its_errors(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO)
    outage = Outage(log)
    for _ in range(3):
        outage.note("cannot be reached", OSError("the password is 1234"))
    outage.is_over()
    outage.is_over()
    assert [record.getMessage() for record in caplog.records] == [
        "the queue of hints cannot be reached: OSError",
        "the queue of hints can be used again",
    ]


def test_the_longer_an_outage_lasts_the_longer_are_the_waits_up_to_a_limit():
    now = [0.0]
    outage = Outage(log, lambda: now[0])
    outage.note("cannot be reached", OSError())
    waits = []
    while now[0] < 60:
        waits.append(outage.wait_seconds())
        now[0] += waits[-1]
    assert waits[0] <= 0.1
    assert max(waits) <= LONGEST_WAIT_SECONDS
    assert len(waits) < 50
