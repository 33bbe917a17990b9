"""Where a recording goes, and the places that are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.settings import Settings
from tests.integration.recording_session.desk import Desk, nothing_is_left, only_record, read
from tests.tables import Record

# Where the recording goes


def test_a_recording_goes_where_it_is_told_and_the_folder_is_made(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    wanted = tmp_path / "not" / "there yet" / "call.wav"
    outcome = desk.record(output_path=str(wanted))
    assert outcome["recording_path"] == str(wanted)
    assert read(wanted).size
    assert only_record().recording_path == str(wanted)
    assert list(settings.inbox.iterdir()) == []


def test_a_file_that_is_there_already_is_not_recorded_over(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    taken = tmp_path / "call.wav"
    taken.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match=r"call\.wav"):
        desk.session.start(output_path=taken)
    assert desk.state == "idle"
    assert taken.read_bytes() == b"precious"
    assert nothing_is_left(settings)


def test_a_file_that_appears_meanwhile_is_not_recorded_over_either(desk: Desk, tmp_path: Path) -> None:
    wanted = tmp_path / "call.wav"
    desk.session.start(output_path=wanted)
    wanted.write_bytes(b"precious")
    outcome = desk.session.stop()
    assert wanted.read_bytes() == b"precious"
    assert outcome["recording_path"] == str(tmp_path / "call (2).wav")
    assert only_record().recording_path == outcome["recording_path"]
    assert read(outcome["recording_path"]).size


def test_a_recording_whose_place_cannot_be_written_goes_to_the_inbox(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    wanted = tmp_path / "stick" / "call.wav"
    desk.session.start(output_path=wanted, candidate_id="c-1")
    wanted.parent.rmdir()
    wanted.parent.write_bytes(b"a file where the folder was")
    outcome = desk.session.stop()
    path = Path(outcome["recording_path"])
    assert path.parent == settings.inbox
    assert read(path).size
    record = only_record()
    assert (record.recording_path, record.candidate_id) == (str(path), "c-1")


def test_a_place_that_cannot_be_made_is_refused_before_anything_is_recorded(
    desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        desk.session.start(output_path=tmp_path / "file" / "call.wav")
    assert desk.state == "idle"
    assert nothing_is_left(settings)


# The database is busy


def test_a_place_can_be_recorded_to_again_when_its_file_has_been_moved_away(
    desk: Desk, tmp_path: Path
) -> None:
    place = tmp_path / "latest.wav"
    desk.record(0.2, output_path=place, title="first")
    place.rename(tmp_path / "first.wav")
    outcome = desk.record(0.2, output_path=place, title="second")
    assert desk.state == "idle"
    assert Record.get_by_id(outcome["record_id"]).title == "second"
    assert Record.select().count() == 2


def test_a_place_that_no_system_has_is_refused(desk: Desk, settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        desk.session.start(output_path=str(tmp_path / "call\0.wav"))
    assert desk.state == "idle"
    assert nothing_is_left(settings)
