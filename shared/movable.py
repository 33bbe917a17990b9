"""Opens a file for reading so that other processes can rename and delete it meanwhile.

Every system allows that except Windows, where each handle says what it shares: Python's own `open` shares
reading and writing, and the file's name stays taken until it is closed. What is done there follows
Microsoft's description of CreateFileW; it has not been run on a real Windows machine.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

GENERIC_READ = 0x8000_0000
#: FILE_SHARE_READ, FILE_SHARE_WRITE and FILE_SHARE_DELETE, which covers renaming.
SHARE_ALL = 0x1 | 0x2 | 0x4
OPEN_EXISTING = 3
FILE_ATTRIBUTE_NORMAL = 0x80
INVALID_HANDLE = ctypes.c_void_p(-1).value

if sys.platform == "win32":
    import msvcrt

    def open_movable(path: Path, flags: int) -> int:
        """Open an existing file and return its descriptor; `flags` are those of `os.open`. Raises OSError."""
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        handle = shared_handle(path, kernel32, lambda: ctypes.WinError(ctypes.get_last_error()))
        try:
            return msvcrt.open_osfhandle(handle, flags)
        except OSError:
            kernel32.CloseHandle(ctypes.c_void_p(handle))
            raise

else:

    def open_movable(path: Path, flags: int) -> int:
        """Open an existing file and return its descriptor; `flags` are those of `os.open`. Raises OSError."""
        return os.open(path, flags)


def shared_handle(path: Path, kernel32: Any, last_error: Callable[[], OSError]) -> int:
    """Return a handle of Windows for reading a file, which shares everything. Raises `last_error`.

    A folder is refused as `open` refuses it: with PermissionError.
    """
    create = kernel32.CreateFileW
    create.restype = ctypes.c_void_p  # a handle has 64 bits, and ctypes' default has 32
    create.argtypes = (
        ctypes.c_wchar_p,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_void_p,
    )
    handle = create(str(path), GENERIC_READ, SHARE_ALL, None, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, None)
    if handle is None or handle == INVALID_HANDLE:
        error = last_error()
        error.filename = str(path)
        raise error
    return int(handle)
