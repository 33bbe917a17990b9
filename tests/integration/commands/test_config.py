"""`offhook config`, and settings that are wrong."""

from __future__ import annotations

import pytest

from tests.integration.commands.calling import Cli, Done


def test_config_says_of_each_setting_where_it_comes_from(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (cli.home / "config.toml").write_text('beam_size = 3\nlanguage = "de"\n')
    monkeypatch.setenv("OFFHOOK_LANGUAGE", "fr")
    found = cli("config", "--json").json["settings"]
    assert {name: found[name]["source"] for name in ("home", "language", "beam_size", "vad")} == {
        "home": "command line",
        "language": "environment",
        "beam_size": str(cli.home / "config.toml"),
        "vad": "default",
    }
    assert [found[name]["value"] for name in ("language", "beam_size", "vad")] == ["fr", 3, True]
    lines = [line.split() for line in cli("config").out.splitlines()]
    assert ["beam_size", "3", str(cli.home / "config.toml")] in [line[:3] for line in lines]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BEAM_SIZE", "-1", "beam_size must be at least 0 and at most 20, not -1 (environment)."),
        ("BEAM_SIZE", "many", "beam_size must be a whole number, not 'many' (environment)."),
        ("BEAM_SIZE", "", "beam_size must be a whole number, not '' (environment)."),
        ("VAD", "perhaps", "vad must be true or false, not 'perhaps' (environment)."),
        ("DEVICE", "tpu", "device must be one of auto, cpu, cuda, not 'tpu' (environment)."),
        ("SETTLE_SECONDS", "nan", "settle_seconds must be a number, not 'nan' (environment)."),
    ],
)
def test_a_wrong_setting_in_the_environment_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"OFFHOOK_{name}", value)
    assert cli("list") == Done(1, "", f"offhook: {message}\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"beam_size = -1", "beam_size must be at least 0 and at most 20, not -1 ({file})."),
        (b"beam_size = 2.7", "beam_size must be a whole number, not 2.7 ({file})."),
        (b"beam_sice = 3", "{file} has an unknown setting: beam_sice."),
        (b"beam_size = = 3", "{file} is not valid TOML"),
        (b"model = '\xff'", "{file} is not valid TOML"),
    ],
)
def test_a_wrong_config_toml_is_named_with_what_is_wrong(cli: Cli, content: bytes, message: str) -> None:
    (cli.home / "config.toml").write_bytes(content)
    done = cli("list")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"offhook: {message.format(file=cli.home / 'config.toml')}")


def test_a_config_toml_that_cannot_be_read_is_named(cli: Cli) -> None:
    (cli.home / "config.toml").mkdir()
    done = cli("list")
    assert done.code == 1
    assert done.err.startswith(f"offhook: {cli.home / 'config.toml'} cannot be read: ")


def test_a_setting_that_does_not_exist_is_answered_with_those_that_do(cli: Cli) -> None:
    (cli.home / "config.toml").write_text("beam_sice = 3")
    assert "beam_size" in cli("list").err


def test_a_setting_without_an_end_is_json_all_the_same(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_LEASE_SECONDS", "inf")
    done = cli("config", "--json")
    assert done.code == 1 or done.json
