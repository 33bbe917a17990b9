"""What every command prints: to a pipe, in any locale, on a full disk."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import Settings
from shared.store.store import Store
from tests.integration.commands.calling import Cli, completed, failed, one_in_each_state
from tests.stage import Stage


def test_json_is_valid_whatever_is_in_a_title(cli: Cli, store: Store) -> None:
    title = 'Größe 北京 🎧 "x" \\ \u2028 \x1b[31m \n'
    completed(store, title, "Grüße\x00 🎧")
    for command in (["list"], ["show", 1], ["search", "gru*"], ["status"], ["config"], ["models", "list"]):
        assert cli(*command, "--json").json
    assert cli.record(1)["title"] == title


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C"},
        {"PYTHONIOENCODING": "cp1252"},
    ],
    ids=["ascii", "C", "cp1252"],
)
def test_any_transcript_is_printed_under_any_locale(
    store: Store, settings: Settings, tmp_path: Path, locale: dict[str, str]
) -> None:
    completed(store, "Größe 北京", "Grüße 🎧")
    failed(store, "Löwe")
    stage = Stage(settings.home, tuple(locale.items()))
    commands = (
        ["show", "1"],
        ["list"],
        ["search", "gr*"],
        ["export", "1", "-o", tmp_path],
        ["list", "--json"],
        ["show", "--format", "srt", "1"],
    )
    for command in commands:
        done = stage.offhook(*command)
        assert (done.returncode, done.stderr) == (0, ""), command
        assert "Gr" in done.stdout
        assert "ß" in done.stdout
    done = stage.offhook("show", "2", "--format", "txt")
    assert done.stderr == "offhook: Recording 2 is failed. Löwe.wav is empty (0 bytes).\n"


def test_a_pipe_gets_no_colour_and_nothing_but_results(store: Store, settings: Settings) -> None:
    one_in_each_state(store)
    stage = Stage(settings.home, (("TERM", "xterm-256color"),))
    for command in (["list"], ["status"], ["show", "1"], ["config"]):
        done = stage.offhook(*command)
        assert "\x1b" not in done.stdout
        assert done.stderr == ""


def test_a_reader_that_goes_away_early_is_no_error_to_speak_of(store: Store, settings: Settings) -> None:
    for number in range(300):
        store.records.add(source="added", title=f"call {number}" * 20, recording_path=f"/{number}.wav")
    command = [sys.executable, "-m", "offhook", "list", "--limit", "1000", "--json"]
    with subprocess.Popen(
        command, env=Stage(settings.home).environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_full_disk_behind_the_output_is_an_error(store: Store, settings: Settings) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    completed(store, "call", "Good morning.")
    with Path("/dev/full").open("w") as full:
        done = Stage(settings.home).offhook(
            "show", "1", capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.startswith("offhook: ")
    assert "Traceback" not in done.stderr
