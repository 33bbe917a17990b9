"""The network that tells voices apart, from the weights of Resemblyzer to an ONNX file.

Three LSTM layers of 256 over mel frames, a linear layer of the last frame's output, ReLU, and a length of 1:
the closer the product of two embeddings is to 1, the more alike are the voices.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

from transcribe_worker.checkpoints import DamagedCheckpoint, Tensor
from transcribe_worker.onnx_file import INT64, Constant, Node, Value, model

BANDS, LAYERS, HIDDEN, EMBEDDING = 40, 3, 256, 256
INPUT, OUTPUT = "mels", "embeddings"
#: PyTorch has the gates in the order input, forget, cell, output; ONNX has input, output, forget, cell.
GATES, ORDER = 4, (0, 3, 1, 2)
AXIS = "axis"


def network(weights: Mapping[str, Tensor]) -> bytes:
    """Return an ONNX file that takes mel frames, float32 of shape (pieces, frames, 40).

    It gives embeddings of shape (pieces, 256). Raises DamagedCheckpoint if a weight is missing or has
    another shape.
    """
    constants = [*_constants(weights), Constant(AXIS, (1,), struct.pack("<q", 0), INT64)]
    takes = Value(INPUT, ("pieces", "frames", BANDS))
    return model(_nodes(), constants, takes, Value(OUTPUT, ("pieces", EMBEDDING)))


def _nodes() -> Iterator[Node]:
    yield Node("Transpose", [INPUT], ["frames 0"], {"perm": (1, 0, 2)})
    for layer in range(LAYERS):
        takes = [f"frames {layer}", *(f"{part} {layer}" for part in ("input", "hidden", "biases"))]
        gives = [f"directions {layer}", f"last {layer}"]
        yield Node("LSTM", takes, gives, {"hidden_size": HIDDEN})
        # the axis of directions, of which there is one
        yield Node("Squeeze", [gives[0], "directions"], [f"frames {layer + 1}"])
    yield Node("Squeeze", [f"last {LAYERS - 1}", AXIS], ["output"])
    yield Node("Gemm", ["output", "linear", "linear biases"], ["linear output"], {"transB": 1})
    yield Node("Relu", ["linear output"], ["positive"])
    yield Node("LpNormalization", ["positive"], [OUTPUT], {"axis": 1, "p": 2})


def _constants(weights: Mapping[str, Tensor]) -> Iterator[Constant]:
    rows = GATES * HIDDEN
    for layer in range(LAYERS):
        inputs = HIDDEN if layer else BANDS
        for name, columns in (("ih", inputs), ("hh", HIDDEN)):
            part = _found(weights, f"lstm.weight_{name}_l{layer}", (rows, columns))
            kind = {"ih": "input", "hh": "hidden"}[name]
            yield Constant(f"{kind} {layer}", (1, rows, columns), _reordered(part))
        biases = [_found(weights, f"lstm.bias_{name}_l{layer}", (rows,)) for name in ("ih", "hh")]
        yield Constant(f"biases {layer}", (1, 2 * rows), b"".join(map(_reordered, biases)))
    yield Constant("linear", (EMBEDDING, HIDDEN), _found(weights, "linear.weight", (EMBEDDING, HIDDEN)))
    yield Constant("linear biases", (EMBEDDING,), _found(weights, "linear.bias", (EMBEDDING,)))
    yield Constant("directions", (1,), struct.pack("<q", 1), INT64)


def _found(weights: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> bytes:
    tensor = weights.get(name)
    if tensor is None or tensor.shape != shape:
        raise DamagedCheckpoint(f"Its {name} is missing, or not of shape {shape}.")
    return tensor.content


def _reordered(content: bytes) -> bytes:
    """Bring the rows of the four gates into the order of ONNX."""
    length = len(content) // GATES
    return b"".join(content[gate * length : (gate + 1) * length] for gate in ORDER)
