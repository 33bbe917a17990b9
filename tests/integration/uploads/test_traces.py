"""What is left of a person's recording that was being sent when the person is erased: nothing."""

from __future__ import annotations

from offhook.desk.desk import Desk
from offhook.desk.uploading import Uploads
from tests.integration.uploads.test_sending import begun, send
from tests.remains import remains
from tests.stage import Stage
from tests.tables import Record


def test_an_unfinished_upload_of_an_erased_person_leaves_no_trace(desk: Desk, uploads: Uploads) -> None:
    upload = begun(uploads, "Zaphod.wav", size=1000, candidate_id="Beeblebrox")
    send(uploads, upload, b"spoken by zaphod")
    other = begun(uploads, "Ada.wav", size=1000, candidate_id="Lovelace")
    done = Stage(desk.settings.home).offhook("delete", "--candidate", "Beeblebrox", "--yes")
    assert done.returncode == 0, done.stderr
    assert remains(desk.settings.home, ("zaphod", "beeblebrox")) == set()
    assert [found.id for found in uploads.unfinished()] == [other.id]
    assert Record.select().count() == 0


def test_a_cancelled_upload_leaves_no_trace_once_the_database_is_scrubbed(
    desk: Desk, uploads: Uploads
) -> None:
    upload = begun(uploads, "Zaphod.wav", size=1000, candidate_id="Beeblebrox")
    send(uploads, upload, b"spoken by zaphod")
    uploads.cancel(upload.id)
    other = desk.store.records.add(
        source="inbox", title="x", recording_path=str(desk.settings.inbox / "x.wav")
    )
    done = Stage(desk.settings.home).offhook("delete", str(other.id), "--yes")
    assert done.returncode == 0, done.stderr
    assert remains(desk.settings.home, ("zaphod", "beeblebrox")) == set()
