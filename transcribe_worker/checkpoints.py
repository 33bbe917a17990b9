"""Reads the tensors of a checkpoint in PyTorch's older format, without PyTorch.

Such a file is a row of pickles: a magic number, a version, the sizes of types, the content, and the keys of
the storages; then the numbers of each storage, with their count before them (`torch.serialization`, legacy
format). Unpickling can run any code, so it is restricted to the three names that a checkpoint of float32
tensors needs.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
FLOAT_BYTES = 4
COUNT = struct.Struct("<q")


class DamagedCheckpoint(ValueError):
    """A file is not a checkpoint of float32 tensors."""


@dataclass(frozen=True)
class Tensor:
    """An array of little-endian float32 numbers, in rows."""

    shape: tuple[int, ...]
    content: bytes


@dataclass(frozen=True)
class _View:
    """The place of a tensor in a storage, in numbers."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _FloatStorage:
    """Stands for the type of a storage; other types have no name here."""


def _rebuild(
    storage: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> _View:
    return _View(storage, offset, shape, strides)


_NAMES: Mapping[tuple[str, str], object] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "FloatStorage"): _FloatStorage,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
}


class _Restricted(pickle.Unpickler):
    """An unpickler for tensors, which can call nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _NAMES[module, name]
        except KeyError:
            raise DamagedCheckpoint(f"It asks for {module}.{name}, which no tensor needs.") from None

    def persistent_load(self, pid: Any) -> str:
        kind, type_, key, *_ = pid
        if (kind, type_) != ("storage", _FloatStorage):
            raise DamagedCheckpoint("It has a storage of another kind than float32.")
        return str(key)


def tensors(file: BinaryIO, part: str) -> dict[str, Tensor]:
    """Return the tensors in `part` of a checkpoint, by name. Raises DamagedCheckpoint."""
    try:
        return _tensors(file, part)
    except DamagedCheckpoint:
        raise
    except Exception as error:  # unpickling damaged bytes may raise any error
        raise DamagedCheckpoint(f"It cannot be read ({type(error).__name__}).") from error


def _tensors(file: BinaryIO, part: str) -> dict[str, Tensor]:
    magic, version, _ = (_Restricted(file).load() for _ in range(3))
    if (magic, version) != (MAGIC, VERSION):
        raise DamagedCheckpoint("It does not begin as a checkpoint of PyTorch's older format does.")
    content, keys = (_Restricted(file).load() for _ in range(2))
    storages = {str(key): _storage(file) for key in keys}
    return {str(name): _tensor(view, storages) for name, view in content[part].items()}


def _storage(file: BinaryIO) -> bytes:
    (count,) = COUNT.unpack(file.read(COUNT.size))
    content = file.read(count * FLOAT_BYTES)
    if count < 0 or len(content) != count * FLOAT_BYTES:
        raise DamagedCheckpoint("It is cut off.")
    return content


def _tensor(view: _View, storages: Mapping[str, bytes]) -> Tensor:
    in_rows = tuple(math.prod(view.shape[number + 1 :]) for number in range(len(view.shape)))
    if tuple(view.strides) != in_rows:
        raise DamagedCheckpoint("It has a tensor whose numbers are not in rows.")
    first, count = view.offset * FLOAT_BYTES, math.prod(view.shape) * FLOAT_BYTES
    content = storages[view.storage][first : first + count]
    if view.offset < 0 or len(content) != count:
        raise DamagedCheckpoint("It has a tensor beyond the end of its storage.")
    return Tensor(tuple(view.shape), content)
