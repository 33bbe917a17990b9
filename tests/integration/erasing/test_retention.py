"""Recordings older than `retention_days` are deleted once a day."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from shared.workers import Presence
from tests.integration.erasing.calls import DAY_SECONDS, SAID, Clock, make_call
from tests.remains import remains
from tests.tables import (
    Record,
    by_clock,
)
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper


@pytest.fixture
def keep(settings: Settings, store: Store, hints: HintQueue) -> Callable[..., Sweeper]:
    """Make a sweeper of a worker that keeps recordings for 30 days."""

    def make(clock: Clock, days: int = 30) -> Sweeper:
        there = by_clock(store, clock)
        chosen = replace(settings, retention_days=days)
        return Sweeper(chosen, there, hints, Library(chosen, there), clock=clock)

    return make


def old(store: Store, title: str, finished_at: float) -> None:
    record = make_call(records_settings(store), store, title, *SAID)
    Record.update(completed_at=finished_at).where(Record.id == record.id).execute()


def records_settings(store: Store) -> Settings:
    return Settings(home=Path(store.database.path).parent)


def titles() -> set[str]:
    return {record.title for record in Record.select()}


def test_what_was_kept_for_long_enough_is_deleted_once_a_day(
    store: Store, settings: Settings, keep: Callable[..., Sweeper]
) -> None:
    clock = Clock(time.time())
    sweeper = keep(clock)
    old(store, "old", clock.now - 30 * DAY_SECONDS)
    old(store, "tomorrow", clock.now - 30 * DAY_SECONDS + 60)

    sweeper.sweep()
    assert titles() == {"tomorrow"}

    clock.now += DAY_SECONDS - 1
    sweeper.sweep()
    keep(clock).sweep()  # after a restart, or another worker
    assert titles() == {"tomorrow"}

    clock.now += 1
    sweeper.sweep()
    assert titles() == set()
    assert remains(settings.home, SAID) == set()


def test_nothing_is_deleted_by_age_unless_somebody_says_so(
    store: Store, keep: Callable[..., Sweeper]
) -> None:
    clock = Clock(time.time())
    old(store, "old", 0.0)
    keep(clock, days=0).sweep()
    assert titles() == {"old"}


def test_what_waits_or_runs_is_kept_however_old_it_is(
    store: Store, keep: Callable[..., Sweeper], settings: Settings
) -> None:
    clock = Clock(time.time())
    presence = Presence(store, settings.locks, "worker").enter()
    for title in ("waits", "runs"):
        record = store.records.add(source="added", title=title, recording_path="/x.wav")
        Record.update(created_at=0.0, completed_at=0.0).where(Record.id == record.id).execute()
    assert store.claims.claim(2, worker_id=presence.worker_id, model="tiny.en", lease_seconds=60)
    keep(clock).sweep()
    assert titles() == {"waits", "runs"}
    presence.leave()


def test_a_clock_that_was_set_back_neither_stops_retention_nor_hurries_it(
    store: Store, keep: Callable[..., Sweeper]
) -> None:
    clock = Clock(time.time())
    sweeper = keep(clock)
    sweeper.sweep()
    clock.now -= 300 * DAY_SECONDS
    old(store, "old", clock.now - 31 * DAY_SECONDS)
    old(store, "new", clock.now - 29 * DAY_SECONDS)
    sweeper.sweep()
    assert titles() == {"new"}


def test_a_clock_that_is_wrong_by_years_deletes_nothing_in_the_first_day(
    store: Store, keep: Callable[..., Sweeper]
) -> None:
    clock = Clock(time.time())
    sweeper = keep(clock)
    sweeper.sweep()
    old(store, "new", clock.now)
    clock.now += 3_000 * DAY_SECONDS
    sweeper.sweep()
    assert titles() == {"new"}
    clock.now -= 2_999 * DAY_SECONDS
    sweeper.sweep()
    assert titles() == {"new"}
    clock.now += 31 * DAY_SECONDS  # the machine was off for a month: a day later it goes
    sweeper.sweep()
    assert titles() == {"new"}
    clock.now += DAY_SECONDS
    sweeper.sweep()
    assert titles() == set()
