"""What becomes of a recording that is sent: its bytes, its record, and what is refused."""

from __future__ import annotations

import os
import stat
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from archive.uploads import KEPT_SECONDS, STRAY_SECONDS, LeftUploads
from offhook.desk import record_choices, uploading
from offhook.desk.desk import Desk
from offhook.desk.part_file import UploadBusy
from offhook.desk.record_choices import RecordChoices
from offhook.desk.upload_records import UnknownUpload
from offhook.desk.uploading import TooManyUploads, Uploads, WrongOffset
from shared import home as folders
from shared.errors import DiskFull, EmptyRecording, NotARecording, RecordingMissing, SettingsError, TooLarge
from shared.files import Fingerprint, sha256_of
from shared.settings import GB
from shared.store.transitions import COMPLETED, QUEUED
from shared.store.values import Record, Upload
from tests.disks import full, small_disk
from tests.integration.inbox.files import outcomes, put, recording
from tests.integration.library.archiving import completed
from tests.tables import Record as Records
from transcribe_worker.inbox.sweep import Inbox

WAV = recording()


def begun(uploads: Uploads, name: str = "call.wav", size: int = len(WAV), **given: str) -> Upload:
    return uploads.begin(name, size, record_choices.read(given))


def send(uploads: Uploads, upload: Upload, content: bytes = WAV, offset: int = 0) -> None:
    part = uploads.appending(upload, offset)
    try:
        part.append(content)
    finally:
        part.close()


def send_in_blocks(uploads: Uploads, upload: Upload, content: bytes) -> None:
    for start in range(0, len(content), 1 << 20):
        send(uploads, upload, content[start : start + (1 << 20)], start)


def sent(uploads: Uploads, name: str = "call.wav", content: bytes = WAV, **given: str) -> Record:
    upload = begun(uploads, name, len(content), **given)
    send(uploads, upload, content)
    return uploads.finish(upload.id).record


def parts(desk: Desk) -> list[str]:
    return [path.name for path in desk.settings.uploads.iterdir()]


def test_a_recording_that_was_sent_is_a_record_with_what_was_chosen_for_it(
    desk: Desk, uploads: Uploads
) -> None:
    record = sent(uploads, "Call.WAV", title="Ada", candidate_id="C1", language="en", priority="3")
    path = Path(record.recording_path)
    assert (record.title, record.candidate_id, record.source) == ("Ada", "C1", "upload")
    assert (record.options, record.priority, record.transcription_status) == ({"language": "en"}, 3, QUEUED)
    assert path.parent == desk.settings.inbox
    assert path.read_bytes() == WAV
    assert record.sha256 == sha256_of(path)
    assert Fingerprint(record.size_bytes or 0, record.modified_ns or 0) == Fingerprint.of(path)
    assert (parts(desk), uploads.unfinished()) == ([], [])
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_inbox_takes_what_was_sent_once(desk: Desk, uploads: Uploads, inbox: Inbox) -> None:
    record = sent(uploads)
    inbox.sweep()
    assert [row.id for row in Records.select()] == [record.id]
    assert list(outcomes().values()) == ["adopted"]


def test_an_upload_goes_on_where_it_was_interrupted(uploads: Uploads) -> None:
    upload = begun(uploads)
    send(uploads, upload, WAV[:1000])
    assert uploads.offset(upload) == 1000
    with pytest.raises(WrongOffset, match="1,000"):
        uploads.appending(upload, 0)
    with pytest.raises(WrongOffset):
        uploads.finish(upload.id)
    send(uploads, upload, WAV[1000:], 1000)
    assert Path(uploads.finish(upload.id).record.recording_path).read_bytes() == WAV


def test_two_that_send_one_recording_at_once_never_mix_their_bytes(uploads: Uploads) -> None:
    upload = begun(uploads)
    part = uploads.appending(upload, 0)
    with pytest.raises(UploadBusy):
        uploads.appending(upload, 0)
    with pytest.raises(UploadBusy):
        uploads.cancel(upload.id)
    part.close()
    uploads.appending(upload, 0).close()


def test_a_whole_upload_tells_its_record_again_to_a_sender_that_missed_the_answer(uploads: Uploads) -> None:
    upload = begun(uploads)
    send(uploads, upload)
    first, again = uploads.finish(upload.id), uploads.finish(upload.id)
    assert (again.record.id, again.was_known) == (first.record.id, False)
    found = uploads.record_of(upload.id)
    assert found
    assert found.id == first.record.id


def test_known_content_has_one_record_and_one_file(desk: Desk, uploads: Uploads) -> None:
    first = sent(uploads)
    upload = begun(uploads, "another name.wav", priority="9")
    send(uploads, upload)
    again = uploads.finish(upload.id)
    assert (again.record.id, again.was_known, again.record.priority) == (first.id, True, 9)
    assert parts(desk) == []
    assert list(desk.settings.inbox.iterdir()) == [Path(first.recording_path)]


def test_a_record_that_has_lost_its_recording_gets_it_back(desk: Desk, uploads: Uploads) -> None:
    done = completed(desk.store, put(desk.settings.inbox))
    Path(done.recording_path).unlink()
    upload = begun(uploads, "the original.wav")
    send(uploads, upload)
    added = uploads.finish(upload.id)
    assert (added.record.id, added.was_known) == (done.id, True)
    assert (added.record.transcription_status, added.record.archived_at) == (COMPLETED, None)
    assert Path(added.record.recording_path).read_bytes() == WAV


def test_a_record_that_failed_for_want_of_its_recording_is_tried_again(desk: Desk, uploads: Uploads) -> None:
    lost = sent(uploads)
    Path(lost.recording_path).unlink()
    Records.update(transcription_status="failed", error_code=RecordingMissing.code).execute()
    found = sent(uploads)
    assert (found.id, found.transcription_status) == (lost.id, QUEUED)
    assert Path(found.recording_path).exists()


def test_a_recording_that_is_sent_again_is_deleted_no_more(desk: Desk, uploads: Uploads) -> None:
    first = sent(uploads)
    desk.store.deletions.add(first.id, due_at=4e9)
    assert sent(uploads).id == first.id
    assert desk.store.deletions.due_at([first.id]) == {}
    desk.store.erasures.mark(first.id)
    assert sent(uploads).id != first.id


def test_what_cannot_become_a_recording_is_refused_before_a_byte_is_taken(
    desk: Desk, uploads: Uploads
) -> None:
    refused = [
        ("notes.txt", 10, NotARecording, "ending of a recording"),
        (".wav", 10, NotARecording, "ending"),
        ("call.wav", 0, EmptyRecording, "0 bytes"),
        ("call.wav", int(20 * GB), TooLarge, "largest_file_gb allows 16"),
    ]
    for name, size, error, message in refused:
        with pytest.raises(error, match=message):
            begun(uploads, name, size)
    with pytest.raises(SettingsError, match="beam_size"):
        begun(uploads, beam_size="many")
    assert (parts(desk), uploads.unfinished()) == ([], [])


def test_more_bytes_than_were_announced_are_refused_and_none_of_them_is_written(uploads: Uploads) -> None:
    upload = begun(uploads, size=100)
    with pytest.raises(TooLarge, match="100 bytes"):
        send(uploads, upload, bytes(101))
    assert uploads.offset(upload) == 0


def test_only_so_many_uploads_may_be_unfinished(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploading, "MOST_UNFINISHED", 3)
    for _ in range(3):
        begun(uploads)
    with pytest.raises(TooManyUploads):
        begun(uploads)
    uploads.cancel(uploads.unfinished()[0].id)
    begun(uploads)


def test_an_upload_that_does_not_fit_is_refused_while_the_disk_still_has_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, Desk({"home": disk / "home"}) as desk:
        folders.prepare(desk.settings)
        uploads = Uploads(desk, spare_bytes=5_000_000)
        with pytest.raises(DiskFull, match=r"Make room"):
            begun(uploads, size=23_000_000)
        assert parts(desk) == []
        upload = begun(uploads)
        with full(disk), pytest.raises(DiskFull):
            send(uploads, upload)
        send(uploads, upload)
        assert uploads.finish(upload.id).record.transcription_status == QUEUED


def test_a_full_disk_keeps_what_has_arrived(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, Desk({"home": disk / "home"}) as desk:
        folders.prepare(desk.settings)
        uploads = Uploads(desk, spare_bytes=0)
        content = os.urandom(12_000_000)
        upload = begun(uploads, size=len(content))
        (disk / "filler").write_bytes(bytes(12_000_000))
        with pytest.raises(DiskFull, match="Make room"):
            send_in_blocks(uploads, upload, content)
        arrived = uploads.offset(upload)
        assert 0 < arrived < len(content)
        (disk / "filler").unlink()
        send(uploads, upload, content[arrived:], arrived)
        assert Path(uploads.finish(upload.id).record.recording_path).read_bytes() == content


def test_a_cancelled_upload_leaves_nothing(desk: Desk, uploads: Uploads) -> None:
    upload = begun(uploads, "Ada.wav")
    send(uploads, upload, WAV[:500])
    uploads.cancel(upload.id)
    assert (parts(desk), uploads.unfinished()) == ([], [])
    assert desk.store.erasures.scrub_order() is not None  # its name goes from the database's files
    with pytest.raises(UnknownUpload):
        uploads.cancel(upload.id)


def test_uploads_that_nobody_goes_on_with_are_removed(desk: Desk, uploads: Uploads) -> None:
    old, fresh = begun(uploads), begun(uploads)
    part = desk.settings.uploads / f"{old.id}.part"
    stray = desk.settings.uploads / "stray.part"
    stray.write_bytes(b"of a killed server")
    moment = time.time()
    os.utime(part, (0, moment - KEPT_SECONDS - 1))
    LeftUploads(desk.settings, desk.store).remove()
    assert [upload.id for upload in uploads.unfinished()] == [fresh.id]
    assert set(parts(desk)) == {f"{fresh.id}.part", "stray.part"}
    os.utime(stray, (0, moment - STRAY_SECONDS - 1))
    LeftUploads(desk.settings, desk.store).remove()
    assert parts(desk) == [f"{fresh.id}.part"]


def test_an_upload_whose_file_another_machine_has_is_left_to_it_for_days(
    desk: Desk, uploads: Uploads
) -> None:
    upload = begun(uploads)
    (desk.settings.uploads / f"{upload.id}.part").unlink()
    hours_later, days_later = (time.time() + 2 * it for it in (STRAY_SECONDS, KEPT_SECONDS))
    of_a_team = replace(desk.settings, database="postgresql://db.example/offhook")
    LeftUploads(of_a_team, desk.store, lambda: hours_later).remove()
    assert [found.id for found in uploads.unfinished()] == [upload.id]
    LeftUploads(of_a_team, desk.store, lambda: days_later).remove()
    assert uploads.unfinished() == []


def test_an_upload_that_is_being_sent_is_never_given_up(desk: Desk, uploads: Uploads) -> None:
    upload = begun(uploads)
    part = uploads.appending(upload, 0)
    os.utime(part.path, (0, 0))
    LeftUploads(desk.settings, desk.store).remove()
    assert [found.id for found in uploads.unfinished()] == [upload.id]
    part.close()


def test_a_file_that_is_received_in_one_go_goes_if_it_does_not_arrive(desk: Desk, uploads: Uploads) -> None:
    part = uploads.open("call.wav")
    part.append(WAV[:100])
    uploads.abandon(part)
    assert parts(desk) == []
    part = uploads.open("call.wav")
    part.append(WAV)
    upload = uploads.received(part, "call.wav", RecordChoices())
    assert uploads.finish(upload.id).record.size_bytes == len(WAV)


def test_a_file_that_was_closed_takes_nothing_more(uploads: Uploads) -> None:
    upload = begun(uploads)
    part = uploads.appending(upload, 0)
    part.close()
    part.append(WAV)
    part.close()
    assert uploads.offset(upload) == 0


def test_names_of_every_kind_become_safe_ones_in_the_inbox(desk: Desk, uploads: Uploads) -> None:
    names = (
        "..\\..\\evil.wav",
        "/etc/x.wav",
        "aux.wav",
        "a:b?.wav",
        "Zoë.wav",
        "é" * 300 + ".wav",
        "a\nb.wav",
    )
    for number, given in enumerate(names):
        name = record_choices.file_name(given)
        record = sent(uploads, name, recording(number + 1))
        path = Path(record.recording_path)
        assert (path.parent, path.suffix) == (desk.settings.inbox, ".wav"), given
        assert path.exists()
    assert "evil" in Records.get(Records.id == 1).title


def test_the_title_is_the_name_of_the_file_unless_one_is_chosen(uploads: Uploads) -> None:
    assert sent(uploads, "Call with Ada.wav").title == "Call with Ada"
    assert sent(uploads, "x.wav", recording(5), title=" Ada \n Lovelace ").title == "Ada   Lovelace"


def test_a_moved_home_knows_nothing_of_unfinished_uploads(
    desk: Desk, uploads: Uploads, tmp_path: Path
) -> None:
    begun(uploads)
    desk.store.relocation.move(str(desk.settings.home), tmp_path / "elsewhere")
    assert uploads.unfinished() == []


def test_what_was_chosen_is_in_the_row(uploads: Uploads) -> None:
    upload = begun(uploads, fingerprint="call.wav-10-5", project_id="P")
    assert asdict(upload)["options"] == {
        **{"source": "upload", "project_id": "P"},
        **{"options": {}, "fingerprint": "call.wav-10-5"},
    }
