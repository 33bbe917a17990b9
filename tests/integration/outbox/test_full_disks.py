"""Full disks, at the server and here: recordings wait, and go on when there is room."""

from __future__ import annotations

from pathlib import Path

from shared.store.outbox_states import RECEIVED, SENT
from shared.store.transitions import COMPLETED, QUEUED
from tests import team as teams
from tests.disks import full, mount, small_disk
from tests.team import Team
from tests.waiting import until


def test_a_server_without_room_is_waited_for(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, teams.team(disk) as team:
        with teams.workstation(tmp_path, team) as desk7:
            desk7.join()
            record = desk7.queued("no room there")
            with desk7.outbox():
                until(lambda: desk7.stage.read("status")["server"]["state"] == "away", "it has no room")
                assert desk7.store.records.get(record.id).transcription_status == QUEUED
                assert Path(record.recording_path).is_file()
                mount("-o", "remount,size=600m", disk)
                desk7.reaches(record, SENT, 120)


def test_a_transcript_that_finds_no_room_here_comes_when_there_is_some(team: Team, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, teams.workstation(disk, team) as desk7:
        desk7.join()
        record = desk7.queued("no room here")
        with desk7.outbox():
            desk7.reaches(record, SENT)
            until(lambda: not Path(record.recording_path).exists(), "the recording is deleted here")
            with full(disk):
                team.transcribed(record.session_id, "There is room again.")
                until(lambda: desk7.store.outbox.find(record.id).state == SENT, "it is still there")  # type: ignore[union-attr]
            desk7.reaches(record, RECEIVED)
            assert desk7.store.records.get(record.id).transcription_status == COMPLETED
