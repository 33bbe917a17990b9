"""Options with nothing in them, as a script with an unset variable gives them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "home")


@pytest.mark.parametrize(("option", "text"), [("--title", ""), ("--candidate", " "), ("--project", "")])
def test_a_recording_is_not_queued_with_an_empty_name(
    stage: Stage, short_wav: Path, option: str, text: str
) -> None:
    done = stage.offhook("add", short_wav, option, text)
    assert done.returncode == 2
    assert f"Invalid value for '{option}': it is empty. Leave the option out instead." in done.stderr
    assert stage.records() == []


@pytest.mark.parametrize("command", [("record", "start", "--title"), ("attach", "1", "--project")])
def test_a_call_gets_no_empty_name(stage: Stage, command: tuple[str, ...]) -> None:
    done = stage.offhook(*command, "")
    assert (done.returncode, "it is empty" in done.stderr) == (2, True)


@pytest.mark.parametrize("source", ["command line", "environment"])
def test_no_recording_waits_for_a_model_called_nothing(stage: Stage, short_wav: Path, source: str) -> None:
    if source == "environment":
        done = replace(stage, settings=(("OFFHOOK_MODEL", ""),)).offhook("add", short_wav)
    else:
        done = stage.offhook("add", short_wav, "--model", "")
    assert done.returncode == 1
    assert f"model must not be empty ({source}). Leave it out for the default, tiny.en." in done.stderr
    assert stage.records() == []


def test_a_limit_beyond_all_memory_is_refused_at_the_start(stage: Stage) -> None:
    done = replace(stage, settings=(("OFFHOOK_ENGINE_MEMORY_GB", "1e300"),)).offhook("status")
    assert done.returncode == 1
    assert "engine_memory_gb must be at least 0.0 and at most 10000, not 1e+300" in done.stderr


def test_a_file_whose_name_is_not_text_is_named_without_the_words_of_python(
    stage: Stage, tmp_path: Path
) -> None:
    done = stage.offhook("add", str(tmp_path / "caf\udce9.wav"))
    assert done.returncode == 1
    assert r"caf\udce9.wav' is not valid text. Rename the file" in done.stderr
    assert "PosixPath" not in done.stderr
