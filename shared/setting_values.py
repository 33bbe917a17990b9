"""Checks the values of settings: their types and limits, also of those that a recording has of its own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from shared.errors import SettingsError
from shared.settings import DEFAULTS, RECORD_OPTIONS, RecordOptions, Settings

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def for_recording(settings: Settings, own: Mapping[str, Any]) -> RecordOptions:
    """Return a recording's `own` options over the settings. Raises SettingsError.

    Options of a later version are ignored.
    """
    known = {name: getattr(settings, name) for name in RECORD_OPTIONS}
    given = {name: coerce(name, own[name], "the recording's own option") for name in own if name in known}
    return RecordOptions(**(known | given))


def usable_options(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recording's `own` options without the damaged ones; those of a later version stay."""
    found = dict(own)
    for name in own:
        if name in RECORD_OPTIONS:
            try:
                coerce(name, own[name], "")
            except SettingsError:
                del found[name]
    return found


def coerce(name: str, value: Any, source: str) -> Any:
    """Convert a value to the setting's type. Raises SettingsError."""
    default = getattr(DEFAULTS, name)
    try:
        result = _BY_TYPE[type(default)](value) if not isinstance(default, Path) else Path(value)
    except (TypeError, ValueError, OverflowError):
        kind = _TYPE_NAMES.get(type(default), "a path")
        raise SettingsError(f"{name} must be {kind}, not {_shown(value)} ({source}).") from None
    _check_limits(name, result, source)
    return result


def _as_bool(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError(text)


def _as_int(value: Any) -> int:
    if isinstance(value, bool | float):
        raise ValueError(value)
    return int(value)


def _as_float(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(value)
    return number


def _as_str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


_BY_TYPE: dict[type, Any] = {bool: _as_bool, int: _as_int, float: _as_float, str: _as_str}
_TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _shown(value: Any) -> str:
    """Return a refused value as a person may have written it, without Python's notation."""
    return repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _check_limits(name: str, value: Any, source: str) -> None:
    limits = next(f.metadata for f in fields(Settings) if f.name == name)
    if limits.get("filled") and not value.strip():
        raise SettingsError(
            f"{name} must not be empty ({source}). Leave it out for the default, {getattr(DEFAULTS, name)}."
        )
    if value and "schemes" in limits and value.partition("://")[0] not in limits["schemes"]:
        schemes = " or ".join(f"{scheme}://" for scheme in limits["schemes"])
        raise SettingsError(f"{name} must begin with {schemes} ({source}).")
    if "choices" in limits and value not in limits["choices"]:
        raise SettingsError(
            f"{name} must be one of {', '.join(limits['choices'])}, not {_shown(value)} ({source})."
        )
    if "least" in limits and not limits["least"] <= value <= limits["most"]:
        bounds = f"at least {limits['least']} and at most {limits['most']}"
        raise SettingsError(f"{name} must be {bounds}, not {value} ({source}).")
