"""Reads what is laid over words from the JSON file of a transcript; files of earlier versions have none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from archive.transcript import Overlay
from shared.reading import Correction
from shared.speakers import Label
from shared.words import milliseconds

Value = TypeVar("Value")


def read(found: Mapping[str, Any]) -> Overlay:
    """Read labels, names and corrections. Raises ValueError, KeyError, TypeError."""
    names = {_text(it, "speaker"): _text(it, "name") for it in _list(found, "speakers") if it.get("name")}
    return Overlay(_each(found, "labels", _label), names, _each(found, "corrections", _correction))


def notes(found: Mapping[str, Any]) -> tuple[tuple[int, str, float], ...]:
    """Read the notes: the moment of each in ms, its text, and when it was made. Raises as `read`."""
    return _each(found, "notes", _note)


def _note(found: Mapping[str, Any]) -> tuple[int, str, float]:
    made_at = datetime.fromisoformat(_text(found, "made_at")).timestamp()
    return max(0, milliseconds(_number(found.get("at_seconds")))), _text(found, "text"), made_at


def _label(found: Mapping[str, Any]) -> Label:
    first, last = _words(found)
    probability = found.get("probability")
    if probability is not None and not 0 <= _number(probability) <= 1:
        raise ValueError(f"{probability!r} is not a probability.")
    return Label(first, last, _text(found, "speaker"), _text(found, "source"), probability)


def _correction(found: Mapping[str, Any]) -> Correction:
    made_at = datetime.fromisoformat(_text(found, "made_at")).timestamp()
    return Correction(*_words(found), _text(found, "text"), _text(found, "source"), made_at)


def _each(
    found: Mapping[str, Any], name: str, read_one: Callable[[Mapping[str, Any]], Value]
) -> tuple[Value, ...]:
    return tuple(read_one(it) for it in _list(found, name))


def _list(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = found.get(name, [])
    if not isinstance(value, list) or not all(isinstance(it, dict) for it in value):
        raise ValueError(f"{name} must be a list of objects.")
    return value


def _words(found: Mapping[str, Any]) -> tuple[int, int]:
    first, last = found["first_word"], found["last_word"]
    if type(first) is not int or type(last) is not int or not 0 <= first <= last < 2**63:
        raise ValueError(f"{first!r} to {last!r} are not numbers of words.")
    return first, last


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a text, not {value!r}.")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number.")
    return value
