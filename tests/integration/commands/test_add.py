"""`offhook add` and `offhook models pull`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.integration.commands.calling import Cli, Done
from transcribe_worker.model_files import NAMES


def test_a_file_that_is_added_stays_where_it_is_and_is_queued_once(cli: Cli, wav: Path) -> None:
    assert cli("add", wav) == Done(0, "Recording 1: queued\n", "")
    assert cli("add", wav) == Done(0, "Recording 1: queued (known already)\n", "")
    copy = Path(shutil.copy(wav, wav.with_name("a copy.wav")))
    assert cli("add", copy) == Done(0, "Recording 1: queued (known already)\n", "")
    (record,) = cli.records()
    assert (record["recording_path"], record["title"], record["source"]) == (str(wav), "call", "added")
    assert wav.exists()


def test_what_is_said_of_a_recording_is_stored_with_it(cli: Cli, wav: Path) -> None:
    given = ("--title", "Größe", "--candidate", "C-17", "--project", "P", "--priority", "-3")
    (record,) = cli("add", wav, *given, "--json").json["records"]
    assert [record[key] for key in ("title", "candidate_id", "project_id", "priority")] == [
        "Größe",
        "C-17",
        "P",
        -3,
    ]
    shown = cli.record(1)
    assert record == {key: shown[key] for key in record}


def test_options_are_stored_with_their_recording_alone(cli: Cli, wav: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(b"other")
    texts = ("--language", "en", "--hotwords", "Weber, Berlin", "--initial-prompt", "")
    cli("add", wav, "--no-vad", "--word-timestamps", "--beam-size", 3, *texts)
    cli("add", other)
    assert cli.record(1)["options"] == {
        "language": "en",
        "vad": False,
        "word_timestamps": True,
        "initial_prompt": "",
        "hotwords": "Weber, Berlin",
        "beam_size": 3,
    }
    assert cli.record(2)["options"] == {}


def test_an_option_out_of_its_limits_is_refused_and_queues_nothing(cli: Cli, wav: Path) -> None:
    message = "offhook: beam_size must be at least 0 and at most 20, not 21 (command line).\n"
    assert cli("add", wav, "--beam-size", 21) == Done(1, "", message)
    assert cli.records() == []


def test_a_missing_file_or_a_folder_is_named(cli: Cli, tmp_path: Path) -> None:
    missing = tmp_path / "missing.wav"
    assert cli("add", missing) == Done(1, "", f"offhook: There is no file {missing}.\n")
    done = cli("add", tmp_path)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"offhook: {tmp_path} is a folder.")
    assert cli.records() == []


def test_what_is_no_file_is_not_waited_for(cli: Cli, tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe.wav")
    assert "is not a regular file" in cli("add", tmp_path / "pipe.wav").err


def test_what_was_queued_before_a_missing_file_is_said(cli: Cli, wav: Path, tmp_path: Path) -> None:
    done = cli("add", wav, tmp_path / "missing.wav")
    assert done.code == 1
    queued = "".join(f"Recording {record['id']}: queued\n" for record in cli.records())
    assert done.out == queued


def test_adding_what_failed_or_was_cancelled_queues_it_again(cli: Cli, wav: Path) -> None:
    cli("add", wav)
    cli("cancel", 1)
    assert cli("add", wav) == Done(0, "Recording 1: queued (known already)\n", "")


def test_a_model_that_nobody_has_is_not_recommended_for_pulling(cli: Cli, wav: Path) -> None:
    """Either the name is refused at once, or the remedy that status shows is one that works."""
    if cli("add", wav, "--model", "tinny.en").code != 0:
        return
    (missing,) = cli("status", "--json").json["missing_models"]
    assert missing["records"] == 1
    _, _, advised = missing["message"].partition("offhook models pull ")
    assert not advised or advised in NAMES


def test_pulling_a_model_that_does_not_exist_is_refused_before_the_network_is_asked(cli: Cli) -> None:
    message = "offhook: There is no model nonsense. `offhook models list` shows them all.\n"
    assert cli("models", "pull", "nonsense") == Done(1, "", message)
