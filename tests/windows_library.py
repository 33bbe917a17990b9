"""Functions of Windows' libraries as ctypes gives them, over their documented contract."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any


class Function:
    """A function that takes and returns C's int until it is told otherwise: that cuts a handle in half."""

    restype: Any = ctypes.c_int
    argtypes: tuple[Any, ...] | None = None

    def __init__(self, call: Callable[..., int | None]) -> None:
        self._call = call

    def __call__(self, *given: Any) -> Any:
        kinds = self.argtypes or (ctypes.c_int,) * len(given)
        taken = [kind(value).value for kind, value in zip(kinds, given, strict=True)]
        return self.restype(self._call(*taken)).value
