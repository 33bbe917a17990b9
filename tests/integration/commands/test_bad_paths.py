"""Bad paths: every command names the path as a person writes it, and the system's reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from capture_worker.output_path import new_file
from offhook.cli import COMMANDS
from shared.errors import EngineFailed, OffhookError
from shared.settings import Settings
from shared.store.claims import Failure
from tests.integration.commands.calling import Cli
from transcribe_worker.engine.messages import Load
from transcribe_worker.engine.setup import Wishes
from transcribe_worker.recognizer.process import _refuse


def missing(path: Path) -> Path:
    return path


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


def a_file(path: Path) -> Path:
    path.write_bytes(b"text")
    return path


def inside_of_a_file(path: Path) -> Path:
    path.write_bytes(b"text")
    return path / "inside.wav"


def too_long(path: Path) -> Path:
    return path.with_name("x" * 300 + ".wav")


def a_link_to_itself(path: Path) -> Path:
    if os.name == "nt":
        pytest.skip("Windows lets few people make links")
    path.symlink_to(path)
    return path


BAD = (missing, a_folder, a_file, inside_of_a_file, too_long, a_link_to_itself)
#: Each command that takes a path of its own.
CALLS = (
    ("add", "{path}"),
    ("transcribe", "{path}"),
    ("backup", "{path}"),
    ("restore", "{path}", "--into", "{path}"),
    ("export", "--all", "--output", "{path}"),
    ("record", "start", "--output", "{path}"),
    ("models", "pull", "{path}"),
    ("edit", "1", "--from", "{path}"),
    ("retry", "--failed", "--model", "{path}"),
    ("join", "https://team.invalid", "--token", "t", "--certificate", "{path}"),
)
#: Each command with arguments that let it begin; all of them work in a home.
IN_A_HOME = {
    "add": ("add", "x.wav"),
    "attach": ("attach", "s", "--candidate", "c"),
    "autostart": ("autostart", "status"),
    "backup": ("backup", "{path}"),
    "cancel": ("cancel", "1"),
    "delete": ("delete", "1", "--yes"),
    "edit": ("edit", "1", "--print"),
    "export": ("export", "--all", "--output", "{path}"),
    "join": ("join", "http://127.0.0.1:9", "--token", "t"),
    "leave": ("leave", "--yes"),
    "models": ("models", "list"),
    "prune": ("prune", "--older-than", "1h", "--yes"),
    "record": ("record", "state"),
    "relabel": ("relabel", "1"),
    "replace": ("replace", "old", "new", "1"),
    "restore": ("restore", "{path}"),
    "retry": ("retry", "1"),
    "search": ("search", "word"),
    "show": ("show", "1"),
    "speaker": ("speaker", "1"),
    "transcribe": ("transcribe", "x.wav"),
}


def assert_named(said: str) -> None:
    for notation in ("PosixPath(", "WindowsPath(", "[Errno", "[WinError"):
        assert notation not in said, said


@pytest.fixture(autouse=True)
def beside_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_a_bad_path_is_named_as_a_person_writes_it(
    cli: Cli, tmp_path: Path, call: tuple[str, ...], bad: Callable[[Path], Path]
) -> None:
    path = bad(tmp_path / "bad.wav")
    done = cli(*(argument.format(path=path) for argument in call))
    assert_named(done.out + done.err)


@pytest.mark.parametrize("bad", [a_file, inside_of_a_file, too_long, a_link_to_itself])
@pytest.mark.parametrize("name", COMMANDS)
def test_a_bad_home_is_named_as_a_person_writes_it(
    tmp_path: Path, name: str, bad: Callable[[Path], Path]
) -> None:
    home = bad(tmp_path / "bad")
    call = IN_A_HOME.get(name, (name,))
    done = Cli(home)(*(argument.format(path=tmp_path / "other") for argument in call))
    assert_named(done.out + done.err)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
def test_a_recording_that_cannot_be_played_as_a_device_is_named(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bad: Callable[[Path], Path]
) -> None:
    path = bad(tmp_path / "bad.wav")
    monkeypatch.setenv("OFFHOOK_MICROPHONE", f"replay:{path}")
    done = cli("devices", "--json")
    assert f"{path}" in done.json["reason"]
    assert_named(done.out)


def test_a_transcript_that_cannot_be_read_is_named_by_rebuild(cli: Cli, settings: Settings) -> None:
    (settings.library / "folder.json").mkdir()
    a_link_to_itself(settings.library / "loop.json")
    done = cli("rebuild", "--dry-run")
    assert "folder.json" in done.out + done.err
    assert_named(done.out + done.err)


def test_a_setting_of_another_type_is_shown_as_it_is_written(cli: Cli, settings: Settings) -> None:
    (settings.home / "config.toml").write_text("model = 2026-11-29\n")
    assert 'model must be a text, not "2026-11-29"' in cli("list").err


def test_a_recording_to_a_bad_path_is_refused_in_words(settings: Settings, tmp_path: Path) -> None:
    for bad in (a_link_to_itself, too_long):
        path = bad(tmp_path / "bad.wav")
        with pytest.raises((OSError, OffhookError)) as refused:
            new_file(path / "call.wav", settings.home)
        assert_named(Failure.of(refused.value).message)


def test_the_error_of_an_attempt_names_its_file_and_the_systems_reason(tmp_path: Path) -> None:
    source, target = tmp_path / "one.wav", tmp_path / "two.wav"
    with pytest.raises(FileNotFoundError) as missing:
        source.stat()
    with pytest.raises(FileNotFoundError) as unmoved:
        source.rename(target)
    reason = missing.value.strerror
    assert Failure.of(missing.value).message == f"{source}: {reason}"
    assert Failure.of(unmoved.value).message == f"{source} -> {target}: {reason}"
    assert Failure.of(TimeoutError()).message == "TimeoutError"


def test_an_engine_names_a_command_that_it_does_not_know_by_its_kind(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match=r"does not know the command Load\.$"):
        _refuse(Load("tiny.en", tmp_path, Wishes("cpu", "int8", 1, 1, 1), 0.0, tmp_path))
