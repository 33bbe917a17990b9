"""An option for one recording is declared once: everything that offers or takes it follows from that."""

from __future__ import annotations

import json
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from offhook.cli import offhook as program
from offhook.commands.options import chosen
from shared.errors import SettingsError
from shared.setting_values import for_recording
from shared.settings import DEFAULTS, RECORD_OPTIONS, RecordOptions, Settings
from shared.settings_sources import load

COMMANDS = ("add", "retry", "transcribe")
declared = pytest.mark.parametrize("option", fields(RecordOptions), ids=lambda option: option.name)


def another(option: Field[Any]) -> Any:
    """A value that the option may have and that is not its default."""
    if "choices" in option.metadata:
        return next(choice for choice in option.metadata["choices"] if choice != option.default)
    return {bool: not option.default, int: 1, str: "other"}[type(option.default)]


def options_of(command: str) -> dict[str | None, click.Option]:
    context = click.Context(program, **program.context_settings)
    found = program.get_command(context, command)
    assert found
    inner = click.Context(found, parent=context)  # alone, click would remember a help option without its -h
    return {it.name: it for it in found.get_params(inner) if isinstance(it, click.Option)}


def given(option: Field[Any]) -> dict[str, Any]:
    """What `retry` keeps of the option when a person gives it."""
    flag, _, off = option.metadata["flag"].partition("/")
    arguments = [off] if off else [flag, str(another(option))]
    command = click.Command("retry", params=list(options_of("retry").values()))
    parsed = command.make_context("retry", arguments).params
    return chosen({name: parsed[name] for name in RECORD_OPTIONS})


@declared
def test_an_option_is_a_setting_with_the_same_default(option: Field[Any]) -> None:
    assert getattr(Settings(), option.name) == option.default


@declared
def test_an_option_has_its_variable(option: Field[Any], tmp_path: Path) -> None:
    variable = f"OFFHOOK_{option.name.upper()}"
    found = load({"OFFHOOK_HOME": str(tmp_path), variable: str(another(option))})
    assert getattr(found, option.name) == another(option)


@declared
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_queues_has_the_option_with_its_help(option: Field[Any], command: str) -> None:
    offered = options_of(command)[option.name]
    assert "/".join([*offered.opts, *offered.secondary_opts]) == option.metadata["flag"]
    assert offered.help == option.metadata["help"]
    assert offered.default is None  # what is not given is not kept with the recording


@declared
def test_an_option_is_listed_by_config_with_its_doc(
    option: Field[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"OFFHOOK_{option.name.upper()}", str(another(option)))
    done = CliRunner().invoke(program, ["--home", str(tmp_path / "home"), "config", "--json"])
    found = json.loads(done.stdout)["settings"][option.name]
    doc = option.metadata["doc"]
    assert found == {"value": another(option), "source": "environment", "doc": doc}


@declared
def test_a_recordings_own_option_goes_before_the_setting_and_into_its_job(option: Field[Any]) -> None:
    own = given(option)
    assert own == {option.name: another(option)}
    job = for_recording(DEFAULTS, json.loads(json.dumps(own)))
    assert getattr(job, option.name) == another(option)
    assert for_recording(DEFAULTS, {}) == RecordOptions()


@declared
def test_an_option_of_the_wrong_type_is_refused_by_name(option: Field[Any]) -> None:
    with pytest.raises(SettingsError, match=rf"^{option.name} must be .*own option"):
        for_recording(DEFAULTS, {option.name: ["wrong"]})


def test_an_option_of_a_later_version_is_passed_over() -> None:
    assert for_recording(DEFAULTS, {"emotions": True, "beam_size": 3}) == RecordOptions(beam_size=3)
