"""Where a recording may go: outside of offhook's own folder, whatever name leads into it."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from capture_worker.output_path import refuse_inside
from capture_worker.session import RecordingSession
from shared.capture_errors import BadOutputPath
from shared.settings import Settings
from tests.stage import Stage
from tests.voices import Call, write_wav

INSIDE = (
    *("offhook.db-journal", "queue.db-wal", "control.json", "config.toml", "call.wav"),
    *("inbox/call.wav", "recording/call.part", "library/2026/call.wav", "new/folder/call.wav"),
)


@pytest.fixture
def stage(tmp_path: Path, short_call: Call) -> Stage:
    """A home on a machine whose microphone plays a call."""
    sound = tmp_path / "call.wav"
    write_wav(sound, short_call.samples)
    sides = (("OFFHOOK_MICROPHONE", f"replay:{sound}"), ("OFFHOOK_LOOPBACK", "none"))
    return Stage(tmp_path / "home", sides)


def test_a_place_inside_of_the_home_is_refused_with_a_remedy_and_nothing_begins(stage: Stage) -> None:
    with stage.process("capture_worker"):
        stage.wait_for((stage.home / "control.json").exists, "the capture worker")
        before = {path for path in stage.home.rglob("*") if "locks" not in path.parts}
        for name in INSIDE:
            done = stage.offhook("record", "start", "--output", stage.home / name)
            assert done.returncode == 1, name
            assert done.stdout == ""
            assert name in ("control.json", "config.toml") or "inbox" in done.stderr
        assert stage.read("record", "state")["state"] == "idle"
        assert {path for path in stage.home.rglob("*") if "locks" not in path.parts} == before


@pytest.mark.parametrize("spelling", ["link", "dots", "case"])
def test_no_other_spelling_leads_into_the_home(settings: Settings, tmp_path: Path, spelling: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(settings.home, target_is_directory=True)
    spellings = {
        "link": link / "recording" / "call.part",
        "dots": tmp_path / "x" / ".." / settings.home.name / "call.wav",
        "case": settings.home.with_name(settings.home.name.upper()) / "call.wav",
    }
    if spelling == "case" and not spellings["case"].parent.exists():
        refuse_inside(spellings["case"], settings.home)  # it is another folder here
        return
    (tmp_path / "x").mkdir()
    with pytest.raises(BadOutputPath):
        refuse_inside(spellings[spelling], settings.home)


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_folder_that_becomes_a_link_into_the_home_gets_nothing(
    settings: Settings, stage: Stage, tmp_path: Path
) -> None:
    sides = {name.removeprefix("OFFHOOK_").lower(): value for name, value in stage.settings}
    folder = tmp_path / "stick"
    with RecordingSession(replace(settings, **sides)) as session:
        session.start(output_path=folder / "offhook.db-journal")
        shutil.rmtree(folder)
        folder.symlink_to(settings.home, target_is_directory=True)
        outcome = session.stop()
    assert Path(outcome["recording_path"]).parent == settings.inbox
    assert not (settings.home / "offhook.db-journal").exists()
