"""`offhook status` names what lies in the inbox and is not taken, with the reason."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path / "home")
    stage.inbox.mkdir(mode=0o700, parents=True)
    return stage


def test_status_gives_the_reason_for_each_name_that_is_not_taken(stage: Stage):
    (stage.inbox / "notes.txt").write_text("x")
    (stage.inbox / "new.mp3").write_bytes(b"x")
    (stage.inbox / ".hidden.txt").write_text("x")
    (stage.inbox / "calls").mkdir()

    found = stage.read("status")["inbox"]
    assert {each["name"]: each["reason"] for each in found["not_taken"]} == {
        "calls": "folder",
        "new.mp3": "waiting",
        "notes.txt": "unknown_ending",
    }
    assert found["not_taken_count"] == 3
    said = stage.offhook("status").stdout
    assert "notes.txt in the inbox has an ending" in said
    assert ".hidden" not in said


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="their file systems have names of text only")
def test_status_escapes_a_name_that_is_not_utf_8_and_names_links_and_pipes(stage: Stage):
    Path(os.fsdecode(os.fsencode(stage.inbox) + b"/B\xfccher.wav")).write_bytes(b"x")
    (stage.inbox / "link.wav").symlink_to("elsewhere.wav")
    os.mkfifo(stage.inbox / "pipe.wav")

    found = stage.read("status")["inbox"]["not_taken"]
    assert [(each["name"], each["reason"]) for each in found] == [
        ("B\\xfccher.wav", "name_not_utf8"),
        ("link.wav", "link"),
        ("pipe.wav", "not_a_file"),
    ]


def test_status_shows_twenty_and_counts_the_rest(stage: Stage):
    for number in range(25):
        (stage.inbox / f"{number:02}.txt").write_text("x")

    found = stage.read("status")["inbox"]
    assert (len(found["not_taken"]), found["not_taken_count"]) == (20, 25)
    assert "and 5 more in the inbox" in stage.offhook("status").stdout
