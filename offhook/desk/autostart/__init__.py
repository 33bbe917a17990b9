"""Start at login without admin rights: one module per system with the same names, chosen here."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

#: Each module has `switch_on(job, run)`, `switch_off(run)` and `status(run)`.
MODULES = {"win32": "windows", "darwin": "macos"}


def this_system(platform: str = sys.platform) -> ModuleType:
    """Return the module of this system."""
    return importlib.import_module(f"{__name__}.{MODULES.get(platform, 'linux')}")
