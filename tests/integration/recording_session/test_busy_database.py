"""Recording goes on while another process holds the database."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import pytest

from shared.files import sha256_of
from shared.settings import Settings
from shared.store.captures import QUEUED
from tests.integration.recording_session.desk import Desk, Make, found_in, nothing_is_left, only_record, read
from tests.standstill import held_elsewhere
from tests.tables import Capture, Record


def test_a_recording_starts_at_once_though_the_database_is_held_and_is_noted_later(
    desk: Desk, settings: Settings, sources: tuple[Path, Path]
) -> None:
    with held_elsewhere(settings.database_file) as let_go:
        started = time.monotonic()
        desk.session.start(title="busy", candidate_id="c-7", project_id="p-3")
        assert time.monotonic() - started < 4
        assert Capture.select().count() == 0
        let_go()
    time.sleep(1)
    outcome = desk.session.stop()
    record = only_record()
    assert (record.id, record.title) == (outcome["record_id"], "busy")
    assert (record.candidate_id, record.project_id) == ("c-7", "p-3")
    likeness, lag = found_in(read(record.recording_path)[:, 0], sources[0])
    assert likeness > 0.6
    assert lag < 0.5, "the first sample has waited for the database"


def test_a_recording_that_ends_while_the_database_is_held_is_queued_afterwards(
    desk: Desk, settings: Settings
) -> None:
    desk.session.start(title="busy", candidate_id="c-7")
    with held_elsewhere(settings.database_file) as let_go:
        outcome = desk.session.stop()
        assert outcome["record_id"] is None
        assert desk.warned() == ["queued_later"]
        assert desk.state == "idle"
        assert Record.select().count() == 0
        let_go()
    for _ in range(2):
        desk.session.hand_over_leftovers()
    record = only_record()
    assert (record.session_id, record.title, record.candidate_id) == (outcome["session_id"], "busy", "c-7")
    assert record.sha256 == sha256_of(Path(record.recording_path))
    assert Capture.get().state == QUEUED


def test_a_recording_that_is_to_wait_does_so_though_the_database_is_held_at_its_end(
    manual: Desk, settings: Settings
) -> None:
    manual.session.start(candidate_id="c-7")
    with held_elsewhere(settings.database_file) as let_go:
        session_id = manual.session.stop()["session_id"]
        let_go()
    assert manual.session.get_state()["session_id"] == session_id
    assert manual.state == "stopped"
    manual.session.hand_over_leftovers()
    assert Record.select().count() == 0
    manual.session.attach()
    record = only_record()
    assert (record.session_id, record.candidate_id) == (session_id, "c-7")


@pytest.mark.parametrize("finalise", ["auto", "manual"])
def test_a_recording_that_begins_and_ends_while_the_database_is_held_is_not_forgotten(
    make: Make, settings: Settings, finalise: str
) -> None:
    desk = make(finalise=finalise)
    with held_elsewhere(settings.database_file) as let_go:
        desk.session.start(title="busy", candidate_id="c-7")
        session_id = desk.session.stop()["session_id"]
        assert desk.state == "idle"
        assert desk.warned() == ["queued_later"]
        let_go()
    desk.session.hand_over_leftovers()
    if finalise == "manual":
        assert desk.state == "stopped"
        desk.session.attach()
    record = only_record()
    assert (record.session_id, record.title, record.candidate_id) == (session_id, "busy", "c-7")
    assert json.loads(Capture.get().verdict)["recovered"] is False
    assert list(settings.recording.iterdir()) == []


def test_a_stop_does_not_wait_for_a_database_that_has_been_held_for_long(
    desk: Desk, settings: Settings
) -> None:
    desk.session.start()
    with held_elsewhere(settings.database_file) as let_go:
        time.sleep(2.5)
        late = threading.Timer(8.0, let_go)
        late.start()
        began = time.monotonic()
        desk.session.stop()
        took = time.monotonic() - began
        late.cancel()
        late.join()
    assert took < 6
    desk.session.hand_over_leftovers()
    assert Record.select().count() == 1


def test_a_recording_is_attached_before_the_database_knows_of_it(desk: Desk, settings: Settings) -> None:
    with held_elsewhere(settings.database_file) as let_go:
        desk.session.start(title="busy")
        let_go()
    desk.session.attach("c-7")
    desk.session.stop()
    assert only_record().candidate_id == "c-7"


def test_a_recording_that_is_discarded_while_the_database_is_held_is_gone_afterwards(
    desk: Desk, settings: Settings
) -> None:
    desk.session.start()
    with held_elsewhere(settings.database_file) as let_go:
        desk.session.discard()
        let_go()
    assert desk.warned() == []  # least of all that it is safe
    desk.session.hand_over_leftovers()
    assert nothing_is_left(settings)
