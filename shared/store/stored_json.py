"""JSON in columns: of a known kind, and nested no deeper than offhook nests it."""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 32


def read(text: Any, kind: type | tuple[type, ...]) -> Any:
    """Return the value of a JSON text. Raises ValueError if it is damaged, of another kind or too deep."""
    try:
        found = json.loads(text)
    except (TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if not isinstance(found, kind) or not _is_shallow(found, DEEPEST):
        raise ValueError("It is of another kind, or nested too deeply.")
    return found


def _is_shallow(found: Any, levels: int) -> bool:
    inner = found.values() if isinstance(found, dict) else found if isinstance(found, list) else None
    deeper = (each for each in inner or () if isinstance(each, dict | list))
    return inner is None or (levels > 0 and all(_is_shallow(each, levels - 1) for each in deeper))
