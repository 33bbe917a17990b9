"""Where the capture worker listens: a UNIX socket in the home folder if possible, else a loopback port.

Only the owner can reach a socket in a folder of mode 0700. Python on Windows has no UNIX sockets, and their
paths are limited to about 100 bytes.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.home import FILE_MODE
from shared.logs import discreet

log = logging.getLogger(__name__)

#: Linux takes 107 bytes, macOS 103.
LONGEST_SOCKET_PATH_BYTES = 100
#: Connections that the system queues until they are accepted.
BACKLOG = 128


@dataclass(frozen=True)
class Address:
    """A listening socket, and its description in `control.json`."""

    server: socket.socket
    description: dict[str, Any]
    path: Path | None = None

    def close(self) -> None:
        """Stop accepting, and remove the socket's file."""
        with contextlib.suppress(OSError):
            self.server.shutdown(socket.SHUT_RDWR)  # or a thread would keep waiting in accept()
        self.server.close()
        if self.path:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)


def listen(path: Path) -> Address:
    """Listen at a path if the system and its length allow it, else on a free port of 127.0.0.1."""
    if sys.platform != "win32" and len(os.fsencode(path)) <= LONGEST_SOCKET_PATH_BYTES:
        try:
            return _at_path(path)
        except OSError as error:  # some network file systems have no sockets
            log.info("no socket in the home folder: %s", discreet(error))
    server = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    return Address(server, {"port": server.getsockname()[1]})


def _at_path(path: Path) -> Address:
    if sys.platform == "win32":
        raise OSError("Windows has no UNIX sockets")
    path.unlink(missing_ok=True)  # of a worker that was killed; the caller holds the lock of this home
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.bind(str(path))
        path.chmod(FILE_MODE)
        server.listen(BACKLOG)
    except OSError:
        server.close()
        raise
    return Address(server, {"socket": str(path)}, path)


def write_control_file(control: Path, content: dict[str, Any]) -> None:
    """Write `control.json` with how to connect, readable by the owner alone, whole or not at all."""
    part = control.with_name(f"{control.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "w") as file:
        json.dump(content, file)
    part.replace(control)
