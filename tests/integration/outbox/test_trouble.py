"""What goes wrong between a workstation and its server: nothing is lost, doubled or sent for nothing."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from shared.store.outbox_states import RECEIVED, REFUSED, SENDING, SENT
from shared.store.transitions import QUEUED
from stress.team.network import CUT, DEAF, RESET, STALLED
from tests import team as teams
from tests.team import Team, Workstation
from tests.waiting import until

#: More than two chunks.
LONG_SECONDS = 600.0


def log_of(home: Workstation) -> str:
    return (home.stage.home / "logs" / "outbox.log").read_text("utf-8")


def state_of(home: Workstation) -> str:
    server = home.stage.read("status")["server"]
    return str(server["state"])


@pytest.mark.parametrize("kind", [CUT, RESET, DEAF, STALLED])
def test_a_network_that_fails_in_the_middle_costs_what_was_on_its_way_alone(
    desk7: Workstation, team: Team, kind: str
) -> None:
    record = desk7.queued(f"long {kind}", LONG_SECONDS)
    with desk7.outbox():
        until(lambda: (desk7.item(record) or record).__dict__.get("sent_bytes"), "the first chunk is there")
        desk7.link.trouble(kind, 1.5)
        desk7.reaches(record, SENT)
    (there,) = team.records(record.session_id)
    assert there.sha256 == record.sha256
    assert len(team.content(there)) == record.size_bytes


def test_a_server_that_is_killed_in_the_middle_has_what_it_has_said_it_has(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("server dies", LONG_SECONDS)
    with desk7.outbox():
        desk7.reaches(record, SENDING)
        team.desk.kill()
        until(lambda: state_of(desk7) == "away", "the server is seen to be away")
        assert "is away since" in desk7.stage.offhook("status").stdout
        had = desk7.item(record)
        team.desk.start()
        desk7.reaches(record, SENT)
        until(lambda: state_of(desk7) == "joined", "the server is seen to be back")
    assert had
    (there,) = team.records(record.session_id)
    assert there.sha256 == record.sha256
    assert log_of(desk7).count("recordings wait here") == 1
    assert log_of(desk7).count("the server answers again") == 1


def test_an_outbox_that_is_killed_in_the_middle_goes_on_where_it_was(desk7: Workstation, team: Team) -> None:
    record = desk7.queued("outbox dies", LONG_SECONDS)
    with desk7.stage.process("outbox_worker") as process:
        desk7.reaches(record, SENDING)
        process.kill()
        process.wait()
    with desk7.outbox():
        desk7.reaches(record, SENT)
    (there,) = team.records(record.session_id)
    assert there.sha256 == record.sha256


def test_a_revoked_token_is_noticed_within_seconds_and_recordings_stay(
    desk7: Workstation, team: Team
) -> None:
    with desk7.outbox():
        until(lambda: state_of(desk7) == "joined", "the server answers")
        first = desk7.queued("before")
        desk7.reaches(first, SENT)
        revoked_at = time.monotonic()
        assert team.stage.offhook("token", "revoke", str(desk7.token_id)).returncode == 0
        until(lambda: desk7.store.outbox.joined().refused_at, "the refusal is noticed", 10.0)  # type: ignore[union-attr]
        assert time.monotonic() - revoked_at < 6.0
        second = desk7.queued("after")
        said = desk7.stage.offhook("status").stdout
        assert "refuses the token" in said
        assert "offhook join" in said
        assert desk7.store.records.get(second.id).transcription_status == QUEUED
        assert Path(second.recording_path).is_file()
        desk7.join()
        desk7.reaches(second, SENT)
    assert state_of(desk7) == "joined"


def test_another_server_is_refused_while_one_is_joined(desk7: Workstation) -> None:
    done = desk7.stage.offhook("join", "https://other.example", "--token", "t")
    assert done.returncode == 1
    assert "offhook leave" in done.stderr
    assert desk7.store.outbox.joined().url == desk7.url  # type: ignore[union-attr]


def test_a_token_of_another_workstation_is_refused_and_never_shown(
    desk7: Workstation, team: Team, tmp_path: Path
) -> None:
    token = desk7.store.outbox.joined().token  # type: ignore[union-attr]
    with teams.workstation(tmp_path / "other", team) as other:
        done = other.stage.offhook("join", other.url, "--token", token)
        assert done.returncode == 1
        assert token not in done.stdout + done.stderr
        assert other.store.outbox.joined() is None


def test_the_token_is_in_no_output_log_or_manifest(desk7: Workstation, tmp_path: Path) -> None:
    token = desk7.store.outbox.joined().token  # type: ignore[union-attr]
    record = desk7.queued("secret")
    with desk7.outbox():
        desk7.reaches(record, SENT)
    said = "".join(
        desk7.stage.offhook(*words).stdout
        for words in (
            ("status", "--json"),
            ("outbox", "--json"),
            ("config",),
            ("doctor",),
            ("list", "--json"),
        )
    )
    assert token not in said
    assert token not in log_of(desk7)
    desk7.stage.offhook("backup", tmp_path / "backups")
    (manifest,) = (tmp_path / "backups").rglob("manifest.json")
    assert token not in manifest.read_text("utf-8")


def test_a_server_that_answers_nothing_holds_neither_the_queue_nor_the_end_of_the_process(
    desk7: Workstation,
) -> None:
    with desk7.stage.process("outbox_worker") as process:
        desk7.reaches(desk7.queued("before"), SENT)
        desk7.link.trouble(STALLED, 60.0)
        record = desk7.queued("held up")
        assert "waiting for the server" in desk7.stage.offhook("list").stdout
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - began < 5
    assert desk7.store.records.get(record.id).transcription_status == QUEUED


def test_the_same_recording_is_refused_under_a_session_that_the_server_has_with_another_content(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("overwritten later")
    with desk7.outbox():
        desk7.reaches(record, SENT)
        team.transcribed(record.session_id)
        desk7.reaches(record, RECEIVED)
        teams.noise(Path(record.recording_path), 1.5, seed=99)
        desk7.store.records.requeue(record.id)
        desk7.reaches(record, REFUSED)
    failed = desk7.store.records.get(record.id)
    assert failed.error_code == "content_differs"
    assert Path(record.recording_path).is_file()
