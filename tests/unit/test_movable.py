"""Files that are renamed while they are open, over Windows' rules for sharing; no real Windows was asked."""

from __future__ import annotations

import ctypes
import errno
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.files import NotRegular, open_regular
from shared.movable import INVALID_HANDLE, shared_handle
from tests.windows_library import Function

READ, WRITE, DELETE = 0x1, 0x2, 0x4
GENERIC_READ, GENERIC_WRITE = 0x8000_0000, 0x4000_0000
OPEN_EXISTING = 3
NOT_FOUND, DENIED, SHARING_VIOLATION = 2, 5, 32


@dataclass
class Handle:
    path: Path
    access: int
    share: int


class Windows:
    """Opens and renames: each handle must share what the others do, and they what it does."""

    def __init__(self) -> None:
        self.open: dict[int, Handle] = {}
        self.last_error = 0
        self.CreateFileW = Function(self._create)

    def error(self) -> OSError:
        kinds = {NOT_FOUND: errno.ENOENT, DENIED: errno.EACCES, SHARING_VIOLATION: errno.EACCES}
        return OSError(kinds[self.last_error], f"error {self.last_error} of Windows")

    def open_by_python(self, path: Path, access: int) -> int:
        """Open as the C runtime does: it shares reading and writing."""
        return self._create(str(path), access, READ | WRITE, None, OPEN_EXISTING, 0, None)

    def rename(self, old: Path, new: Path) -> None:
        if any(it.path == old and not it.share & DELETE for it in self.open.values()):
            raise PermissionError(errno.EACCES, "another process uses the file")
        old.rename(new)

    def _create(
        self, name: str, access: int, share: int, _: None, how: int, flags: int, template: None
    ) -> int:
        path, found = Path(name), [it for it in self.open.values() if it.path == Path(name)]
        assert how == OPEN_EXISTING
        if not path.exists():
            return self._failed(NOT_FOUND)
        if path.is_dir():
            return self._failed(DENIED)
        if any(wanted(access) & ~it.share or wanted(it.access) & ~share for it in found):
            return self._failed(SHARING_VIOLATION)
        number = 2**40 + len(self.open)  # needs 64 bits
        self.open[number] = Handle(path, access, share)
        return number

    def _failed(self, error: int) -> int:
        self.last_error = error
        return -1


def wanted(access: int) -> int:
    return (READ if access & GENERIC_READ else 0) | (WRITE if access & GENERIC_WRITE else 0)


@pytest.fixture
def windows() -> Windows:
    return Windows()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav.part"
    path.write_bytes(b"audio")
    return path


def test_a_recording_that_is_read_can_be_renamed_once_its_recorder_has_closed_it(
    windows: Windows, part: Path
) -> None:
    recorder = windows.open_by_python(part, GENERIC_WRITE)
    reader = shared_handle(part, windows, windows.error)
    assert windows.open[reader] == Handle(part, GENERIC_READ, READ | WRITE | DELETE)
    del windows.open[recorder]
    windows.rename(part, part.with_name("call.wav"))
    assert not part.exists()


def test_a_file_that_python_itself_has_open_cannot_be_renamed_there(windows: Windows, part: Path) -> None:
    windows.open_by_python(part, GENERIC_READ)
    with pytest.raises(PermissionError):
        windows.rename(part, part.with_name("call.wav"))


def test_a_recorder_can_open_a_file_that_is_read(windows: Windows, part: Path) -> None:
    shared_handle(part, windows, windows.error)
    assert windows.open_by_python(part, GENERIC_WRITE) != -1


def test_an_error_of_windows_names_the_file(windows: Windows, tmp_path: Path) -> None:
    for path, error in ((tmp_path / "missing", FileNotFoundError), (tmp_path, PermissionError)):
        with pytest.raises(error) as raised:
            shared_handle(path, windows, windows.error)
        assert raised.value.filename == str(path)
    assert ctypes.c_void_p(-1).value == INVALID_HANDLE


def test_a_movable_file_is_checked_like_any_other(tmp_path: Path, part: Path) -> None:
    with open_regular(part, keep_movable=True) as file:
        part.rename(part.with_name("call.wav"))
        assert file.read() == b"audio"
    with pytest.raises(NotRegular):
        open_regular(tmp_path, keep_movable=True)
