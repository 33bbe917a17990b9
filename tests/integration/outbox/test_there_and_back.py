"""A recording goes to the server, and its transcript, its failure or its deletion comes back."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from pathlib import Path

from shared.files import Fingerprint, sha256_of
from shared.loudness import SideLevels
from shared.speakers import ME, PERSON
from shared.store.claims import Failure
from shared.store.outbox_states import RECEIVED, REFUSED, SENT
from shared.store.transitions import COMPLETED, FAILED, QUEUED
from tests import team as teams
from tests.team import Team, Workstation
from tests.waiting import until


def test_a_recording_is_handed_over_deleted_here_and_comes_back_as_a_transcript(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("call one")
    content = Path(record.recording_path).read_bytes()
    with desk7.outbox():
        desk7.reaches(record, SENT)
        (there,) = team.records(record.session_id)
        assert (there.title, there.sha256, there.transcription_status) == ("call one", record.sha256, QUEUED)
        assert team.content(there) == content
        until(lambda: not Path(record.recording_path).exists(), "the recording is deleted here")
        team.transcribed(record.session_id, "Guten Morgen zusammen.")
        desk7.reaches(record, RECEIVED)
    done = desk7.store.records.get(record.id)
    assert (done.transcription_status, done.model, done.language) == (COMPLETED, "tiny.en", "en")
    assert "Guten Morgen zusammen." in desk7.stage.text({"id": record.id})
    assert [hit.record_id for hit in desk7.store.transcripts.search("morgen", 5)] == [record.id]
    (text,) = (desk7.stage.home / "library").rglob("*.txt")
    assert "Guten Morgen" in text.read_text("utf-8")


def test_nothing_is_transcribed_here_while_a_server_is_joined(desk7: Workstation) -> None:
    record = desk7.queued("left alone")
    with desk7.stage.process("transcribe_worker"):
        desk7.stage.wait_for(lambda: "worker" in desk7.stage.running(), "a worker")
        desk7.queued("another one")
        with desk7.outbox():
            desk7.reaches(record, SENT)
        assert desk7.store.records.get(record.id).attempts == 0


def test_a_recording_is_kept_if_it_is_to_be(tmp_path: Path, team: Team) -> None:
    with teams.workstation(tmp_path, team, ("OFFHOOK_KEEP_SENT", "true")) as kept:
        kept.join()
        record = kept.queued("kept")
        with kept.outbox():
            kept.reaches(record, SENT)
            team.transcribed(record.session_id)
            kept.reaches(record, RECEIVED)
        (there,) = (kept.stage.home / "library").rglob("*.wav")
        assert sha256_of(there) == record.sha256


def test_a_persons_own_file_is_never_deleted(desk7: Workstation, tmp_path: Path) -> None:
    own = tmp_path / "my own.wav"
    teams.noise(own, 1.0, seed=77)
    desk7.stage.offhook("add", own)
    record = next(iter(desk7.store.records.every()))
    with desk7.outbox():
        desk7.reaches(record, SENT)
        after = desk7.queued("the next one")
        desk7.reaches(after, SENT)
        until(lambda: not Path(after.recording_path).exists(), "the next one is deleted")
    assert own.is_file()


def test_how_far_the_server_is_can_be_seen_here(desk7: Workstation, team: Team) -> None:
    record = desk7.queued("watched")
    assert "waiting for the server" in desk7.stage.offhook("list").stdout
    with desk7.outbox():
        desk7.reaches(record, SENT)
        (there,) = team.records(record.session_id)
        claim = team.store.claims.claim(there.id, worker_id="w", model="tiny.en", lease_seconds=60)
        assert claim
        team.store.claims.renew(claim, lease_seconds=60, progress=0.4)
        until(lambda: "at the server, 40%" in desk7.stage.offhook("list").stdout, "the progress is here")
        assert "1 at the server" in desk7.stage.offhook("status").stdout
        (row,) = desk7.stage.read("outbox")["recordings"]
        assert (row["state"], row["server_status"], row["server_progress"]) == ("sent", "processing", 0.4)


def test_a_failure_at_the_server_is_the_records_failure_and_a_retry_goes_there_again(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("fails first")
    with desk7.outbox():
        desk7.reaches(record, SENT)
        (there,) = team.records(record.session_id)
        claim = team.store.claims.claim(there.id, worker_id="w", model="m", lease_seconds=60)
        assert claim
        team.store.claims.fail(claim, Failure("no_audio", "The file has no audio."))
        desk7.reaches(record, RECEIVED)
        failed = desk7.store.records.get(record.id)
        assert (failed.transcription_status, failed.error_code) == (FAILED, "no_audio")
        assert failed.transcription_error == "The file has no audio."
        assert desk7.stage.offhook("retry", str(record.id)).returncode == 0
        until(lambda: team.records(record.session_id)[0].transcription_status == QUEUED, "it is queued there")
        team.transcribed(record.session_id, "Now it works.")
        desk7.reaches(record, RECEIVED)
    assert desk7.store.records.get(record.id).transcription_status == COMPLETED
    assert len(team.records(record.session_id)) == 1


def test_what_is_put_right_at_the_server_comes_here_and_what_was_put_right_here_stays(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("put right")
    with desk7.outbox():
        desk7.reaches(record, SENT)
        team.transcribed(record.session_id, "One two three four five.")
        desk7.reaches(record, RECEIVED)
        with desk7.store.edits.change(record.id, "edit"):
            desk7.store.overlays.correct(record.id, 0, 0, "Eins")
            desk7.store.overlays.assign(record.id, 3, 4, ME)
        (there,) = team.records(record.session_id)
        with team.store.edits.change(there.id, "edit"):
            team.store.overlays.correct(there.id, 2, 2, "drei")
        until(lambda: len(desk7.store.overlays.corrections(record.id)) == 2, "the correction is here")
    texts = [it.text for it in desk7.store.overlays.corrections(record.id)]
    assert sorted(texts) == ["Eins", "drei"]
    labels = [it for it in desk7.store.overlays.labels(record.id) if it.source == PERSON]
    assert [(it.first_word, it.last_word, it.speaker) for it in labels] == [(3, 4, ME)]


def test_a_call_that_is_deleted_here_is_deleted_at_the_server(desk7: Workstation, team: Team) -> None:
    record = desk7.queued("deleted here")
    with desk7.outbox():
        desk7.reaches(record, SENT)
        assert desk7.stage.offhook("delete", str(record.id), "--yes").returncode == 0
        until(lambda: not desk7.store.outbox.deletions(), "the server has confirmed the deletion")
    due = team.store.deletions.due(1e11)
    left = team.records(record.session_id)
    assert left == [] or left[0].id in due


def test_a_call_that_is_deleted_while_the_server_is_away_is_deleted_there_later(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("deleted offline")
    with desk7.outbox():
        desk7.reaches(record, SENT)
    assert desk7.stage.offhook("delete", str(record.id), "--yes").returncode == 0
    assert desk7.store.outbox.deletions() == [record.session_id]
    with desk7.outbox():
        until(lambda: not desk7.store.outbox.deletions(), "the server has confirmed the deletion")


def test_a_recording_that_is_cancelled_before_it_is_sent_is_not_sent(desk7: Workstation, team: Team) -> None:
    record = desk7.queued("cancelled")
    assert desk7.stage.offhook("cancel", str(record.id)).returncode == 0
    other = desk7.queued("not cancelled")
    with desk7.outbox():
        desk7.reaches(other, SENT)
    assert team.records(record.session_id) == []
    assert Path(record.recording_path).is_file()


def test_a_recording_that_is_gone_fails_with_a_remedy(desk7: Workstation) -> None:
    record = desk7.queued("gone")
    Path(record.recording_path).unlink()
    with desk7.outbox():
        desk7.reaches(record, REFUSED)
    failed = desk7.store.records.get(record.id)
    assert (failed.transcription_status, failed.error_code) == (FAILED, "recording_missing")


def test_a_recording_that_was_replaced_before_it_is_sent_is_sent_as_it_is_now(
    desk7: Workstation, team: Team
) -> None:
    record = desk7.queued("replaced")
    teams.noise(Path(record.recording_path), 2.0, seed=4711)
    now = sha256_of(Path(record.recording_path))
    with desk7.outbox():
        desk7.reaches(record, SENT)
    (there,) = team.records(record.session_id)
    assert there.sha256 == now != record.sha256


def test_finished_recordings_go_too_if_they_are_to(tmp_path: Path, team: Team) -> None:
    with teams.workstation(tmp_path, team) as found:
        record = found.queued("finished before")
        claim = found.store.claims.claim(record.id, worker_id="w", model="m", lease_seconds=60)
        assert claim
        found.store.claims.complete(claim, [teams.said("As it was here.")])
        found.join("--send-existing")
        with found.outbox():
            found.reaches(record, SENT)
            team.transcribed(record.session_id, "As it is there.")
            found.reaches(record, RECEIVED)
        assert "As it is there." in found.stage.text({"id": record.id})


def test_leaving_gives_what_was_not_sent_back_to_local_workers(desk7: Workstation) -> None:
    record = desk7.queued("stays")
    done = desk7.stage.offhook("leave", "--yes")
    assert done.returncode == 0
    assert "1 recording will be transcribed here." in done.stdout
    assert desk7.store.outbox.joined() is None
    assert desk7.store.records.due(10) == [desk7.store.records.get(record.id)]


def test_a_captured_call_tells_the_server_how_loud_each_side_was(desk7: Workstation, team: Team) -> None:
    captures, session_id = desk7.store.captures, str(uuid.uuid4())
    path = desk7.stage.inbox / "captured.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    teams.noise(path, 1.0, seed=12)
    captures.begin(session_id, path, title="Interview", layout="split", worker_id="c", started_at=5.0)
    levels = SideLevels(10, b"\x20" * 10, b"\x50" * 10, b"\x01\x02")
    captures.note(session_id, {"duration_seconds": 1.0, "layout": "split"}, {0: levels})
    record = captures.queue(session_id, {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))})
    with desk7.outbox():
        desk7.reaches(record, SENT)
    there = team.store.captures.find(session_id)
    assert there
    assert (there.layout, there.started_at) == ("split", 5.0)
    assert team.store.captures.minutes(session_id) == {0: levels}
