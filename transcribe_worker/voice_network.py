"""The network that tells voices apart, from the weights of Resemblyzer to an ONNX file.

Three LSTM layers of 256 over mel frames, a linear layer of the output at a frame, ReLU, and a length of 1:
the closer the product of two embeddings is to 1, the more alike are the voices. The output is taken at two
frames: what the network thinks after 0.8 s costs nothing, and tells better when the voice changes.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator, Mapping

from transcribe_worker.checkpoints import DamagedCheckpoint, Tensor
from transcribe_worker.onnx_file import INT64, Constant, Node, Value, model

BANDS, LAYERS, HIDDEN, EMBEDDING = 40, 3, 256, 256
INPUT, OUTPUT = "mels", "embeddings"
#: The frames of a piece, and those whose output becomes an embedding.
FRAMES = 160
HEARD = (79, 159)
#: PyTorch has the gates in the order input, forget, cell, output; ONNX has input, output, forget, cell.
GATES, ORDER = 4, (0, 3, 1, 2)


def network(weights: Mapping[str, Tensor]) -> bytes:
    """Return an ONNX file that takes mel frames, float32 of shape (pieces, 160, 40).

    It gives embeddings of shape (pieces, 2, 256), of the first 0.8 s and of the whole piece.
    Raises DamagedCheckpoint if a weight is missing or has another shape.
    """
    takes = Value(INPUT, ("pieces", FRAMES, BANDS))
    gives = Value(OUTPUT, ("pieces", len(HEARD), EMBEDDING))
    return model(_nodes(), _constants(weights), takes, gives)


def _nodes() -> Iterator[Node]:
    yield Node("Transpose", [INPUT], ["frames 0"], {"perm": (1, 0, 2)})
    for layer in range(LAYERS):
        takes = [f"frames {layer}", *(f"{part} {layer}" for part in ("input", "hidden", "biases"))]
        yield Node("LSTM", takes, [f"directions {layer}"], {"hidden_size": HIDDEN})
        # the axis of directions, of which there is one
        yield Node("Squeeze", [f"directions {layer}", "axis"], [f"frames {layer + 1}"])
    yield Node("Gather", [f"frames {LAYERS}", "heard"], ["outputs"])
    yield Node("Transpose", ["outputs"], ["outputs of pieces"], {"perm": (1, 0, 2)})
    yield Node("MatMul", ["outputs of pieces", "linear"], ["products"])
    yield Node("Add", ["products", "linear biases"], ["sums"])
    yield Node("Relu", ["sums"], ["positive"])
    yield Node("LpNormalization", ["positive"], [OUTPUT], {"axis": 2, "p": 2})


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
    linear = _found(weights, "linear.weight", (EMBEDDING, HIDDEN))
    yield Constant("linear", (HIDDEN, EMBEDDING), _turned(linear, HIDDEN))
    yield Constant("linear biases", (EMBEDDING,), _found(weights, "linear.bias", (EMBEDDING,)))
    yield Constant("axis", (1,), struct.pack("<q", 1), INT64)
    yield Constant("heard", (len(HEARD),), struct.pack(f"<{len(HEARD)}q", *HEARD), INT64)


def _found(weights: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> bytes:
    tensor = weights.get(name)
    if tensor is None or tensor.shape != shape:
        raise DamagedCheckpoint(f"Its {name} is missing, or not of shape {shape}.")
    return tensor.content


def _reordered(content: bytes) -> bytes:
    """Bring the rows of the four gates into the order of ONNX."""
    length = len(content) // GATES
    return b"".join(content[gate * length : (gate + 1) * length] for gate in ORDER)


def _turned(content: bytes, columns: int) -> bytes:
    """Turn rows of float32 numbers into columns."""
    numbers = memoryview(content).cast("f")
    rows = len(numbers) // columns
    turned = array("f", (numbers[row * columns + column] for column in range(columns) for row in range(rows)))
    return turned.tobytes()
