"""Wrong usage, unknown recordings and arguments without bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.cli import COMMANDS
from tests.integration.commands.calling import Cli, Done

NOT_TEXT = "Gr\udcc3\udc9f"  # what Python makes of an argument that is no valid text


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["--nonsense"],
        ["list", "--status", "nonsense"],
        ["list", "--limit", "0"],
        ["list", "--limit", "x"],
        ["show"],
        ["show", "x"],
        ["show", "1", "--format", "doc"],
        ["add"],
        ["add", "a.wav", "b.wav", "--title", "two files"],
        ["add", "a.wav", "--beam-size", "x"],
        ["retry"],
        ["retry", "--failed", "1"],
        ["export"],
        ["export", "--all", "1"],
        ["search"],
        ["status", "--watch", "--json"],
        ["models", "nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_shows_the_usage_on_stderr(cli: Cli, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: offhook")


@pytest.mark.parametrize("command", ["show", "transcribe"])
def test_json_and_another_format_do_not_go_together(cli: Cli, wav: Path, command: str) -> None:
    given = {"show": 1, "transcribe": wav}[command]
    assert cli(command, given, "--json", "--format", "srt").code == 2


@pytest.mark.parametrize("command", ["", *sorted(COMMANDS)])
def test_help_goes_to_stdout_and_ends_with_0(cli: Cli, command: str) -> None:
    done = cli(*command.split(), "-h")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: offhook {command}".rstrip())


@pytest.mark.parametrize(
    "command",
    [["show"], ["show", "--json"], ["retry"], ["cancel"], ["delete", "--yes"], ["export"]],
    ids=" ".join,
)
@pytest.mark.parametrize("record_id", [0, 4711, 10**20], ids=["none", "too high", "beyond SQLite"])
def test_an_unknown_recording_ends_with_1_and_a_remedy(cli: Cli, command: list[str], record_id: int) -> None:
    done = cli(*command, record_id)
    message = f"offhook: There is no recording {record_id}. `offhook list` shows them all.\n"
    assert done == Done(1, "", message)


@pytest.mark.parametrize(
    "arguments", [["list", "--limit", 10**20], ["search", "a", "--limit", 10**20]], ids=["list", "search"]
)
def test_a_limit_beyond_all_bounds_is_no_fault(cli: Cli, arguments: list[object]) -> None:
    assert cli(*arguments).code in (0, 2)


def test_a_priority_beyond_all_bounds_is_no_fault(cli: Cli, wav: Path) -> None:
    assert cli("add", wav, "--priority", 10**20).code in (1, 2)


@pytest.mark.parametrize(
    "arguments",
    [["add", "{wav}", "--title", NOT_TEXT], ["add", "{wav}", "--candidate", NOT_TEXT], ["search", NOT_TEXT]],
    ids=["title", "candidate", "search"],
)
def test_an_argument_that_is_no_valid_text_is_no_fault(cli: Cli, wav: Path, arguments: list[str]) -> None:
    assert cli(*(argument.format(wav=wav) for argument in arguments)).code in (0, 1, 2)
