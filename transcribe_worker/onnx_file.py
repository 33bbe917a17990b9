"""Writes a network as an ONNX file, for ONNX Runtime, without the package `onnx`.

An ONNX file is a protocol buffer: each field is its number and wire type, then its value
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto has the numbers).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

IR_VERSION, OPERATORS = 8, 17
FLOAT, INT64 = 1, 7
VARINT, BYTES = 0, 2
#: Types of attributes.
INT, INTS = 2, 7

Message = bytes


@dataclass(frozen=True)
class Node:
    """An operator: its name in ONNX, the names of what it takes and gives, and its attributes."""

    operator: str
    takes: Sequence[str]
    gives: Sequence[str]
    attributes: dict[str, int | Sequence[int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Constant:
    """A named array: its type in ONNX, its shape, and its little-endian content."""

    name: str
    shape: Sequence[int]
    content: bytes
    type: int = FLOAT


@dataclass(frozen=True)
class Value:
    """An input or output, float32; a text in the shape stands for any length."""

    name: str
    shape: Sequence[int | str]


def model(nodes: Iterable[Node], constants: Iterable[Constant], takes: Value, gives: Value) -> Message:
    """Return the content of an ONNX file."""
    graph = _joined(
        *(_field(1, _node(node)) for node in nodes),
        _field(2, "graph"),
        *(_field(5, _constant(constant)) for constant in constants),
        _field(11, _value(takes)),
        _field(12, _value(gives)),
    )
    operators = _joined(_field(1, ""), _field(2, OPERATORS))
    return _joined(_field(1, IR_VERSION), _field(7, graph), _field(8, operators))


def _node(node: Node) -> Message:
    return _joined(
        *(_field(1, name) for name in node.takes),
        *(_field(2, name) for name in node.gives),
        _field(4, node.operator),
        *(_field(5, _attribute(name, value)) for name, value in node.attributes.items()),
    )


def _attribute(name: str, value: int | Sequence[int]) -> Message:
    if isinstance(value, int):
        return _joined(_field(1, name), _field(3, value), _field(20, INT))
    return _joined(_field(1, name), *(_field(8, number) for number in value), _field(20, INTS))


def _constant(constant: Constant) -> Message:
    return _joined(
        *(_field(1, length) for length in constant.shape),
        _field(2, constant.type),
        _field(8, constant.name),
        _field(9, constant.content),
    )


def _value(value: Value) -> Message:
    lengths = (_field(1 if isinstance(length, int) else 2, length) for length in value.shape)
    shape = _joined(*(_field(1, length) for length in lengths))
    tensor = _joined(_field(1, FLOAT), _field(2, shape))
    return _joined(_field(1, value.name), _field(2, _field(1, tensor)))


def _field(number: int, value: int | str | bytes) -> Message:
    if isinstance(value, int):
        return _varint(number << 3 | VARINT) + _varint(value)
    content = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | BYTES) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Write a number in groups of 7 bits, the lowest first; a negative one as 64 bits."""
    number &= (1 << 64) - 1
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def _joined(*parts: bytes) -> bytes:
    return b"".join(parts)
