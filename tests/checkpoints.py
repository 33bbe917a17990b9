"""Checkpoints as PyTorch wrote them, made without it."""

from __future__ import annotations

import io
import pickle
import struct
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from transcribe_worker.checkpoints import MAGIC, VERSION

Floats = NDArray[np.float32]


class _Tensor:
    def __init__(self, key: str, values: Floats) -> None:
        self.key, self.values = key, values

    def __reduce__(self) -> tuple[Any, ...]:
        strides = tuple(stride // 4 for stride in self.values.strides)
        arguments = (
            _Storage(self.key, self.values.size),
            0,
            self.values.shape,
            strides,
            False,
            OrderedDict(),
        )
        return sys.modules["torch._utils"]._rebuild_tensor_v2, arguments


class _Storage:
    def __init__(self, key: str, count: int) -> None:
        self.key, self.count = key, count


class _Pickler(pickle.Pickler):
    def persistent_id(self, found: Any) -> Any:
        if isinstance(found, _Storage):
            return ("storage", sys.modules["torch"].FloatStorage, found.key, "cpu", found.count, None)
        return None


def checkpoint(part: str, arrays: Mapping[str, Floats], extra: Any = None) -> bytes:
    """A checkpoint with arrays in a part of it, and whatever else is to be pickled beside it."""
    file = io.BytesIO()
    tensors = {name: _Tensor(str(number), values) for number, (name, values) in enumerate(arrays.items())}
    sizes = {"little_endian": True, "protocol_version": VERSION}
    with _names_of_torch():
        for content in (MAGIC, VERSION, sizes, {part: OrderedDict(tensors), "extra": extra}):
            _Pickler(file, protocol=2).dump(content)
        _Pickler(file, protocol=2).dump([tensor.key for tensor in tensors.values()])
    for tensor in tensors.values():
        file.write(struct.pack("<q", tensor.values.size) + np.ascontiguousarray(tensor.values).tobytes())
    return file.getvalue()


@contextmanager
def _names_of_torch() -> Iterator[None]:
    """Have the two names of PyTorch that a checkpoint mentions, for pickle to find."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage = type("FloatStorage", (), {"__module__": "torch"})  # type: ignore[attr-defined]

    def _rebuild_tensor_v2() -> None:
        """Stands for PyTorch's own."""

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": torch, "torch._utils": utils})
    try:
        yield
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
