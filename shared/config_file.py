"""The file `config.toml` in the home: read whole, and checked for settings that do not exist."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from shared.errors import SettingsError

#: Size of the largest `config.toml` that is read, in bytes.
LONGEST_CONFIG_BYTES = 1_000_000


def read_config(path: Path, known: Collection[str]) -> dict[str, Any]:
    """Read the settings in a `config.toml`, {} without one; `known` has those it may name.

    Raises SettingsError.
    """
    try:
        found = tomllib.loads(_read(path).decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(
            f"{path} cannot be read: {error.strerror}. OFFHOOK_HOME chooses another folder."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}.") from error
    except RecursionError:
        raise SettingsError(f"{path} is not valid TOML: it is nested too deeply.") from None
    if "home" in found:
        raise SettingsError(f"{path} cannot say where home is, as it is in it. Use OFFHOOK_HOME.")
    if unknown := sorted(set(found) - set(known)):
        raise SettingsError(
            f"{path} has an unknown setting: {', '.join(unknown)}. There are: {', '.join(known)}."
        )
    return found


def _read(path: Path) -> bytes:
    """Read a small regular file; opening a pipe does not wait for a writer. Raises OSError, SettingsError."""
    if path.is_dir():  # Windows refuses to open one, and reports a lack of rights
        raise SettingsError(f"{path} cannot be read: it is a folder. Move it away.")
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise SettingsError(f"{path} cannot be read: it is not a regular file. Move it away.")
        if found.st_size > LONGEST_CONFIG_BYTES:
            raise SettingsError(
                f"{path} cannot be read: it is larger than {LONGEST_CONFIG_BYTES:,} bytes. Move it away."
            )
        return file.read(LONGEST_CONFIG_BYTES + 1)
