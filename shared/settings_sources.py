"""Reads the settings for a process, and says where each value comes from.

Precedence: command line, then `OFFHOOK_*` variables, then `config.toml`, then the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from shared.config_file import read_config
from shared.errors import SettingsError
from shared.setting_values import coerce
from shared.settings import DEFAULTS, Settings


@dataclass(frozen=True)
class Sourced:
    """A setting's value and where it comes from."""

    value: Any
    source: str


def load(environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings for a process. Raises SettingsError, naming the setting and its source."""
    sourced = load_with_sources(environ, overrides)
    return Settings(**{name: entry.value for name, entry in sourced.items()})


def load_with_sources(
    environ: Mapping[str, str], overrides: Mapping[str, Any] | None = None
) -> dict[str, Sourced]:
    """Read the settings with the source of each value."""
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    home = _home(environ, given)
    known = [f.name for f in fields(Settings) if f.name != "home"]
    layers = (
        ("command line", given),
        ("environment", _from_environment(environ)),
        (str(home / "config.toml"), read_config(home / "config.toml", known)),
    )
    found = {f.name: _pick(f.name, layers) for f in fields(Settings)}
    return found | {"home": Sourced(home, found["home"].source)}


def _home(environ: Mapping[str, str], given: Mapping[str, Any]) -> Path:
    chosen = Path(given.get("home") or environ.get("OFFHOOK_HOME") or DEFAULTS.home)
    try:
        return chosen.expanduser().absolute()
    except RuntimeError:
        raise SettingsError(f"home must be a folder that can be found, not {chosen}.") from None


def _from_environment(environ: Mapping[str, str]) -> dict[str, str]:
    names = {f"OFFHOOK_{f.name.upper()}": f.name for f in fields(Settings)}
    found = {names[key]: value for key, value in environ.items() if key in names}
    return {name: value for name, value in found.items() if value or name != "home"}


def _pick(name: str, layers: tuple[tuple[str, Mapping[str, Any]], ...]) -> Sourced:
    for source, values in layers:
        if name in values:
            return Sourced(coerce(name, values[name], source), source)
    return Sourced(getattr(DEFAULTS, name), "default")
