"""A server that is killed at any step of an upload: the recording becomes one record, or can be sent on."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from archive.uploads import STRAY_SECONDS, LeftUploads
from offhook.desk import record_choices
from offhook.desk.desk import Desk
from offhook.desk.uploading import Uploads
from tests.dying import DESK_THAT_DIES
from tests.forks import Forks, forks
from tests.integration.inbox.files import Clock, recording
from tests.integration.uploads.test_sending import send
from tests.tables import Record
from transcribe_worker.inbox.sweep import Inbox

IMPORTS = """
import offhook.desk.uploading, offhook.desk.record_choices, peewee, transcribe_worker.jobs.hints
"""
#: Sends a recording and dies just before a step: a change to the file system, or to the database.
SENDER = (
    """
import os, sys
from pathlib import Path
from peewee import SqliteDatabase
from offhook.desk import record_choices
from offhook.desk.desk import Desk
from offhook.desk.uploading import Uploads

left, content = int(sys.argv[2]), Path(sys.argv[3]).read_bytes()

"""
    + DESK_THAT_DIES
    + """
uploads = Uploads(desk, spare_bytes=0)
upload = uploads.begin("call.wav", len(content), record_choices.read({"title": "Ada", "language": "en"}))
for start in range(0, len(content), 1000):
    part = uploads.appending(upload, start)
    part.append(content[start : start + 1000])
    part.close()
uploads.finish(upload.id)
"""
)


@pytest.fixture(scope="module")
def sender(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if not hasattr(os, "fork"):
        pytest.skip("needs processes that are forked")
    with forks(SENDER, IMPORTS, tmp_path_factory.mktemp("senders")) as sender:
        yield sender


@pytest.mark.parametrize("healer", ["the server", "the inbox"])
def test_a_death_before_any_step_leaves_one_record_or_an_upload_that_goes_on(
    desk: Desk, uploads: Uploads, inbox: Inbox, sender: Forks, tmp_path: Path, healer: str
) -> None:
    clock, source, deaths, ends = Clock(), tmp_path / "source", 0, set()
    inbox.monotonic = clock
    while True:
        content = recording(deaths, seconds=0.12)
        source.write_bytes(content)
        died = sender.run(desk.settings.home, deaths, source)
        assert died.returncode in (0, 9), died.stderr
        if healer == "the server":
            uploads.resume()
        for _ in range(2):
            inbox.sweep()
            clock.now += 60.0
        ends.add(go_on(desk, uploads, content))
        (record,) = Record.select().where(Record.id > deaths)
        assert (record.title, record.source, record.size_bytes) == ("Ada", "upload", len(content)), deaths
        assert record.options == '{"language": "en"}'
        assert Path(record.recording_path).read_bytes() == content
        if died.returncode == 0:
            break
        deaths += 1
    assert deaths >= 12
    assert ends == {"whole", "goes on", "begins again"}
    assert {path.name for path in desk.settings.inbox.iterdir()} == {
        Path(record.recording_path).name for record in Record.select()
    }


def go_on(desk: Desk, uploads: Uploads, content: bytes) -> str:
    """Do as a sender does whose connection was cut; say what was left to do."""
    if found := uploads.unfinished():
        end, upload = "goes on", found[0]
    elif desk.store.records.with_content(hashlib.sha256(content).hexdigest()):
        end, upload = "whole", None
    else:
        given = record_choices.read({"title": "Ada", "language": "en"})
        end, upload = "begins again", uploads.begin("call.wav", len(content), given)
    if upload:
        arrived = uploads.offset(upload)
        send(uploads, upload, content[arrived:], arrived)
        uploads.finish(upload.id)
    old = time.time() - STRAY_SECONDS - 1
    for path in desk.settings.uploads.iterdir():
        os.utime(path, (old, old))
    LeftUploads(desk.settings, desk.store).remove()
    assert list(desk.settings.uploads.iterdir()) == []
    return end
