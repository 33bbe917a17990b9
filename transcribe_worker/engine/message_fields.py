"""The fields of the engine's messages, to and from what JSON knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from shared.words import Segment


def plain(value: Any) -> Any:
    """Turn a value of a message into what JSON knows."""
    if isinstance(value, Segment):
        return value.as_json()
    if is_dataclass(value):
        return {it.name: plain(getattr(value, it.name)) for it in fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def read_object(kind: Any, found: object) -> Any:
    """Make a message, or a dataclass in one, of its JSON object. Raises ValueError, naming the field."""
    if not isinstance(found, dict):
        raise ValueError(f"{kind.__name__} must be an object, not {type(found).__name__}.")
    if kind is Segment:
        return Segment.from_json(found)
    known = _fields(kind)
    values = {it.name: _value(hint, found[it.name], it.name) for it, hint in known if it.name in found}
    missing = [it.name for it, _ in known if it.name not in values and _is_required(it)]
    if missing:
        raise ValueError(f"{', '.join(missing)} is missing.")
    return kind(**values)


@lru_cache
def _fields(kind: Any) -> list[tuple[Field[Any], Any]]:
    hints = get_type_hints(kind)
    return [(it, hints[it.name]) for it in fields(kind)]


def _is_required(it: Field[Any]) -> bool:
    return it.default is MISSING and it.default_factory is MISSING


def _value(hint: Any, found: Any, name: str) -> Any:
    """Check a value against the type of its field."""
    if is_dataclass(hint):
        return read_object(hint, found)
    if get_origin(hint) is tuple and isinstance(found, list):
        return tuple(_value(get_args(hint)[0], item, name) for item in found)
    if NoneType in get_args(hint):
        return None if found is None else _value(get_args(hint)[0], found, name)
    accepted, make = _SCALARS.get(hint, ((), hint))
    if type(found) not in accepted:
        raise ValueError(f"{name} must not be {found!r:.80}.")
    return make(found)


_SCALARS: Mapping[Any, tuple[tuple[type, ...], Callable[[Any], Any]]] = {
    str: ((str,), str),
    int: ((int,), int),
    bool: ((bool,), bool),
    float: ((int, float), float),
    Path: ((str,), Path),
}
