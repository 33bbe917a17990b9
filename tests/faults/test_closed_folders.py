"""Folders and files whose modes keep offhook out: they are named, and all other work continues."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import skip_or_fail
from tests.disks import MODES_COUNT
from tests.faults.whole_homes import (
    CAPTURE,
    INBOX,
    WORKER,
    archived,
    done,
    running,
)
from tests.stage import Stage
from tests.voices import SHORT_CALL, speak, word_error_rate, write_wav

posix_only = pytest.mark.skipif(os.name == "nt", reason="needs the modes of files")


@pytest.fixture
def closable(stage: Stage, with_microphone: tuple[tuple[str, str], ...]) -> Stage:
    """A home in which the modes of files count, whoever runs the test."""
    launcher = MODES_COUNT if os.geteuid() == 0 else ()
    if launcher and shutil.which(launcher[0]) is None:
        skip_or_fail("needs setpriv, for root may do everything")
    return replace(stage, settings=with_microphone, launcher=launcher)


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """Take the right away to write to a folder, or to read a file."""
    mode = path.stat().st_mode
    path.chmod(0o500 if path.is_dir() else 0)
    try:
        yield
    finally:
        path.chmod(mode)


@posix_only
def test_a_folder_that_cannot_be_written_is_named_and_everything_else_goes_on(closable: Stage) -> None:
    stage, call = closable, speak(SHORT_CALL[:1], seed=70)
    with running(stage, WORKER, INBOX, CAPTURE) as processes:
        with closed(stage.home / "recording"):
            refused = stage.offhook("record", "start")
            assert refused.returncode == 1
            assert f"{stage.home / 'recording'}" in refused.stderr
            assert "Permission denied" in refused.stderr
            assert stage.read("record", "state")["state"] == "idle"
        with closed(stage.home / "library"):
            stage.drop_call(call, "transcribed.wav")
            record = stage.finished("transcribed")
            assert (record["status"], record["transcript_stem"]) == ("completed", None)
            assert word_error_rate(call.words, stage.text(record)) < 0.15
            assert "Library:    not there yet" in stage.offhook("show", str(record["id"])).stdout
            advice = stage.offhook("doctor")
            assert advice.returncode == 1
            assert f"{stage.home / 'library'} cannot be written: Permission denied" in advice.stdout
            assert (stage.inbox / "transcribed.wav").exists()
        assert Path(f"{archived(stage, 'transcribed')['transcript_stem']}.wav").exists()
        done(stage, "record", "start", "--title", "recorded")
        with closed(stage.inbox):
            assert stage.read("record", "stop")["state"] == "late"
            (warning,) = [
                said["message"]
                for said in stage.read("record", "state")["warnings"]
                if said["code"] == "queued_later"
            ]
            assert f"{stage.inbox}" in warning
            assert len(list((stage.home / "recording").glob("*.part"))) == 1
        assert archived(stage, "recorded")["status"] == "completed"
        assert [process.poll() for process in processes] == [None] * 3


@posix_only
def test_a_recording_that_cannot_be_read_is_named_and_everything_else_goes_on(
    closable: Stage, tmp_path: Path
) -> None:
    stage = closable
    calls = {
        name: speak(SHORT_CALL[:1], seed=seed) for seed, name in enumerate(("dropped", "added", "open"), 80)
    }
    for name, call in calls.items():
        write_wav(tmp_path / f"{name}.wav", call.samples)
    dropped, added = stage.inbox / "dropped.wav", tmp_path / "added.wav"
    with running(stage, WORKER, INBOX) as processes:
        done(stage, "pause")
        done(stage, "add", added)
        with closed(added):
            with closed(tmp_path / "dropped.wav"):
                (tmp_path / "dropped.wav").rename(dropped)
                stage.wait_for(
                    lambda: stage.read("status")["inbox"]["unreadable"] == [str(dropped)],
                    "the file to be named",
                )
                assert f"{dropped} cannot be read" in done(stage, "status")
                refused = stage.offhook("add", dropped)
                assert refused.returncode == 2
                assert f"'{dropped}' is not readable" in refused.stderr
                done(stage, "resume")
                stage.drop(tmp_path / "open.wav")
                assert stage.finished("open")["status"] == "completed"
                waiting = stage.wait_for(
                    lambda: (found := stage.record("added")) and found["error"] and found, "the reason"
                )
                assert (waiting["status"], str(added) in waiting["error"]) == ("queued", True)
                assert f"{added}: Permission denied" in done(stage, "status")
                assert stage.record("dropped") is None
                dropped.rename(tmp_path / "dropped.wav")
        stage.drop(tmp_path / "dropped.wav")
        for name in ("dropped", "added"):
            assert stage.finished(name)["status"] == "completed"
        assert [process.poll() for process in processes] == [None] * 2
