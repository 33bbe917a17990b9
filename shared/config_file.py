"""The file `config.toml` in the home: read whole, and checked for settings that do not exist."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from shared.errors import SettingsError
from shared.files import LargerThanAllowed, NotRegular, read_regular

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
    """Read a small regular file. Raises OSError, SettingsError."""
    try:
        return read_regular(path, LONGEST_CONFIG_BYTES)
    except NotRegular as error:
        what = "a folder" if path.is_dir() else "not a regular file"
        raise SettingsError(f"{path} cannot be read: it is {what}. Move it away.") from error
    except LargerThanAllowed as error:
        raise SettingsError(
            f"{path} cannot be read: it is larger than {LONGEST_CONFIG_BYTES:,} bytes. Move it away."
        ) from error
