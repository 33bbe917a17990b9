"""Where a setting comes from, what it may be, and what is said when it is wrong."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from shared.errors import SettingsError
from shared.settings import DEFAULTS, RECORD_OPTIONS, Settings
from shared.settings_sources import load, load_with_sources

NAMES = [f.name for f in fields(Settings) if f.name != "home"]
LIMITED = [
    (f.name, bound, step)
    for f in fields(Settings)
    for bound, step in ((f.metadata.get("least"), -1), (f.metadata.get("most"), 1))
    if bound is not None
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def environ(home: Path) -> dict[str, str]:
    return {"OFFHOOK_HOME": str(home)}


def configure(home: Path, text: str) -> str:
    """Write config.toml and return its path, the source that is reported."""
    path = home / "config.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def refusal(environ: dict[str, str], overrides: dict[str, Any] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        load(environ, overrides)
    return str(caught.value)


# Where a value comes from


def test_the_command_line_goes_before_the_environment_the_file_and_the_default(
    home: Path, environ: dict[str, str]
):
    file = configure(home, "beam_size = 2")

    def found(**overrides: Any) -> tuple[Any, str]:
        sourced = load_with_sources(environ, overrides)["beam_size"]
        return sourced.value, sourced.source

    assert found() == (2, file)
    environ["OFFHOOK_BEAM_SIZE"] = "3"
    assert found() == (3, "environment")
    assert found(beam_size=4) == (4, "command line")
    assert found(beam_size=None) == (3, "environment")  # an option that was not given


def test_without_anything_every_setting_has_its_default_and_says_so(environ: dict[str, str]):
    found = load_with_sources(environ)

    assert {name: found[name].value for name in NAMES} == {n: getattr(DEFAULTS, n) for n in NAMES}
    assert {found[name].source for name in NAMES} == {"default"}
    assert found.keys() == {"home", *NAMES}


def test_a_false_or_zero_or_empty_value_is_a_value(home: Path, environ: dict[str, str]):
    configure(home, 'vad = true\ncpu_threads = 2\nhotwords = "Rhine"')

    settings = load(environ, {"vad": False, "cpu_threads": 0, "hotwords": ""})

    assert (settings.vad, settings.cpu_threads, settings.hotwords) == (False, 0, "")


def test_what_may_be_chosen_for_one_recording_is_a_setting():
    assert set(RECORD_OPTIONS) < set(NAMES)


def test_variables_of_other_programs_and_of_offhooks_own_machinery_are_no_settings(environ: dict[str, str]):
    environ |= {"BEAM_SIZE": "9", "OFFHOOK_STARTER_LOCK": "/x", "offhook_beam_size": "9"}

    assert load(environ).beam_size == DEFAULTS.beam_size


def test_the_settings_do_not_look_at_the_process_environment(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OFFHOOK_BEAM_SIZE", "9")

    assert load(environ).beam_size == DEFAULTS.beam_size


# Types


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_can_be_given_as_text(environ: dict[str, str], name: str):
    default = getattr(DEFAULTS, name)
    environ[f"OFFHOOK_{name.upper()}"] = str(default)

    found = load_with_sources(environ)[name]

    assert (found.value, type(found.value), found.source) == (default, type(default), "environment")


@pytest.mark.parametrize("word", ["1", "true", "yes", "on", "TRUE", " Yes "])
def test_words_that_mean_yes(environ: dict[str, str], word: str):
    assert load(environ | {"OFFHOOK_KEEP_IN_PLACE": word}).keep_in_place is True


@pytest.mark.parametrize("word", ["0", "false", "no", "off", "OFF", " No "])
def test_words_that_mean_no(environ: dict[str, str], word: str):
    assert load(environ | {"OFFHOOK_VAD": word}).vad is False


def test_the_file_may_give_the_types_of_toml(home: Path, environ: dict[str, str]):
    configure(home, 'vad = false\nworkers = 4\nsettle_seconds = 3\nlease_seconds = 7.5\nmodel = "Größe"')

    settings = load(environ)

    assert (settings.vad, settings.workers, settings.model) == (False, 4, "Größe")
    assert (settings.settle_seconds, settings.lease_seconds) == (3.0, 7.5)
    assert type(settings.settle_seconds) is float


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("vad", "maybe", "true or false"),
        ("vad", "", "true or false"),
        ("beam_size", "many", "a whole number"),
        ("beam_size", "", "a whole number"),
        ("beam_size", "2.5", "a whole number"),
        ("settle_seconds", "a while", "a number"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(environ: dict[str, str], name: str, value: str, kind: str):
    environ[f"OFFHOOK_{name.upper()}"] = value

    assert refusal(environ) == f"{name} must be {kind}, not {value!r} (environment)."


@pytest.mark.parametrize(
    "line",
    [
        "beam_size = 2.7",
        "beam_size = true",
        "beam_size = inf",
        "beam_size = [5]",
        "lease_seconds = true",
        "lease_seconds = nan",
        "lease_seconds = inf",
        'language = ["en", "de"]',
        "language = true",
        "vad = 2",
        "vad = []",
    ],
)
def test_a_toml_value_of_the_wrong_kind_is_refused_and_not_bent(
    home: Path, environ: dict[str, str], line: str
):
    source = configure(home, line)

    message = refusal(environ)

    assert message.startswith(line.split()[0])
    assert source in message


# Limits and choices


@pytest.mark.parametrize(("name", "bound", "step"), LIMITED)
def test_a_limit_itself_is_allowed_and_beyond_it_nothing(
    environ: dict[str, str], name: str, bound: float, step: int
):
    assert getattr(load(environ, {name: bound}), name) == bound

    message = refusal(environ, {name: bound + step})

    assert message.startswith(f"{name} must be at least")
    assert message.endswith(f"not {type(getattr(DEFAULTS, name))(bound + step)} (command line).")
    assert f" {bound}" in message


FILLED = [f.name for f in fields(Settings) if f.metadata.get("filled")]


@pytest.mark.parametrize("value", ["", " "])
@pytest.mark.parametrize("name", FILLED)
def test_a_text_that_cannot_be_empty_is_refused_with_the_default_to_take(
    environ: dict[str, str], name: str, value: str
):
    message = refusal(environ | {f"OFFHOOK_{name.upper()}": value})

    default = getattr(DEFAULTS, name)
    assert message == f"{name} must not be empty (environment). Leave it out for the default, {default}."


def test_a_name_of_nothing_is_refused_where_nothing_has_no_meaning():
    assert {"model", "microphone", "loopback", "compute_type", "web_address"} == set(FILLED)


@pytest.mark.parametrize("name", [f.name for f in fields(Settings) if type(f.default) in (int, float)])
def test_no_number_is_without_bounds(environ: dict[str, str], name: str):
    assert "and at most" in refusal(environ | {f"OFFHOOK_{name.upper()}": "1" + "0" * 300})


def test_a_choice_is_one_of_those_that_the_message_lists(environ: dict[str, str]):
    assert load(environ | {"OFFHOOK_DEVICE": "cuda"}).device == "cuda"

    message = refusal(environ | {"OFFHOOK_DEVICE": "tpu"})

    assert message == "device must be one of auto, cpu, cuda, not 'tpu' (environment)."


@pytest.mark.parametrize("source", ["command line", "environment", "file"])
def test_a_wrong_value_is_named_with_the_place_to_look_at(home: Path, environ: dict[str, str], source: str):
    overrides: dict[str, Any] = {}
    if source == "command line":
        overrides["beam_size"] = 99
    elif source == "environment":
        environ["OFFHOOK_BEAM_SIZE"] = "99"
    else:
        source = configure(home, "beam_size = 99")

    assert refusal(environ, overrides) == f"beam_size must be at least 0 and at most 20, not 99 ({source})."


def test_a_wrong_value_that_is_overridden_does_no_harm(home: Path, environ: dict[str, str]):
    configure(home, 'beam_size = "many"')

    assert load(environ, {"beam_size": 2}).beam_size == 2


# The file


def test_a_missing_file_is_an_empty_one(environ: dict[str, str]):
    assert load(environ).model == DEFAULTS.model


def test_unknown_settings_are_refused_by_name(home: Path, environ: dict[str, str]):
    source = configure(home, "zoom = 1\nbeam_sise = 3\nbeam_size = 3")

    assert refusal(environ).startswith(f"{source} has an unknown setting: beam_sise, zoom. There are: model,")


def test_the_file_in_the_home_cannot_say_where_the_home_is(home: Path, environ: dict[str, str]):
    configure(home, 'home = "/elsewhere"')

    assert "Use OFFHOOK_HOME" in refusal(environ)


@pytest.mark.parametrize("text", ["beam_size = ", "beam_size 5", "vad = True", "a = 1\na = 2"])
def test_broken_toml_is_refused_with_its_path_and_the_reason(home: Path, environ: dict[str, str], text: str):
    source = configure(home, text)

    assert re.fullmatch(rf"{re.escape(source)} is not valid TOML: .+ \(at .+\)\.", refusal(environ))


def test_a_file_in_another_encoding_is_refused_with_its_path(home: Path, environ: dict[str, str]):
    source = configure(home, "")
    Path(source).write_bytes('model = "Größe"'.encode("latin-1"))

    assert refusal(environ).startswith(f"{source} is not valid TOML: ")


def test_a_folder_in_the_place_of_the_file_is_refused_with_its_path(home: Path, environ: dict[str, str]):
    (home / "config.toml").mkdir()

    assert refusal(environ).startswith(f"{home / 'config.toml'} cannot be read: ")


# The home


def test_the_home_says_where_it_comes_from(home: Path, tmp_path: Path, environ: dict[str, str]):
    other = tmp_path / "other"

    assert load_with_sources(environ)["home"].source == "environment"
    found = load_with_sources(environ, {"home": other})["home"]
    assert (found.value, found.source) == (other, "command line")


def test_the_file_is_read_from_the_home_that_was_chosen(home: Path, tmp_path: Path, environ: dict[str, str]):
    other = tmp_path / "other"
    other.mkdir()
    configure(home, "beam_size = 2")
    configure(other, "beam_size = 3")

    assert load(environ).beam_size == 2
    assert load(environ, {"home": str(other)}).beam_size == 3


def test_without_a_choice_the_home_is_offhook_in_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    found = load_with_sources({})["home"]

    assert (found.value, found.source) == (tmp_path / "Offhook", "default")
    assert load({"OFFHOOK_HOME": "~/calls"}).home == tmp_path / "calls"


def test_an_empty_home_counts_as_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))

    found = load_with_sources({"OFFHOOK_HOME": ""})["home"]

    assert (found.value, found.source) == (tmp_path / "Offhook", "default")


def test_a_relative_home_is_made_absolute_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    settings = load({"OFFHOOK_HOME": "calls"})
    monkeypatch.chdir("/")

    assert settings.home == tmp_path / "calls"
    assert settings.database_file == tmp_path / "calls" / "offhook.db"


@pytest.mark.skipif(os.name == "nt", reason="Windows takes every name for a user's")
def test_the_home_of_an_unknown_user_is_a_wrong_setting():
    message = refusal({"OFFHOOK_HOME": "~nobody-by-this-name/calls"})

    assert "home" in message.lower()
    assert "~nobody-by-this-name" in message


def test_every_folder_is_in_the_home(environ: dict[str, str], home: Path):
    settings = load(environ)

    inside = (settings.inbox, settings.library, settings.models, settings.logs, settings.locks)
    assert {path.parent for path in (*inside, settings.database_file, settings.queue)} == {home}
