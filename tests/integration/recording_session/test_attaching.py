"""A recording is attached to a candidate and a project, at any time."""

from __future__ import annotations

from tests.integration.recording_session.desk import Desk, only_record
from tests.tables import Record


def test_a_running_recording_can_be_attached(desk: Desk) -> None:
    desk.session.start(candidate_id="c-1")
    assert desk.session.attach("c-2", "p-3")["record_id"] is None
    state = desk.session.get_state()
    assert (state["candidate_id"], state["project_id"]) == ("c-2", "p-3")
    desk.session.attach(project_id="p-4")
    desk.session.stop()
    record = only_record()
    assert (record.candidate_id, record.project_id) == ("c-2", "p-4")


def test_the_last_recording_can_be_attached_after_its_end(desk: Desk) -> None:
    outcome = desk.record(0.2)
    done = desk.session.attach("c-7")
    assert done == {"session_id": outcome["session_id"], "record_id": outcome["record_id"]}
    assert only_record().candidate_id == "c-7"


def test_any_recording_can_be_attached_by_its_session_id(desk: Desk) -> None:
    first, _ = desk.record(0.1, title="first"), desk.record(0.1, title="second")
    desk.session.start(title="third")
    desk.session.attach("c-7", "p-3", session_id=first["session_id"])
    desk.session.stop()
    attached = {r.title: (r.candidate_id, r.project_id) for r in Record.select()}
    assert attached == {"first": ("c-7", "p-3"), "second": (None, None), "third": (None, None)}
