"""A real Redis server for tests: Debian's, on a socket in a temporary folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.waiting import until


def missing() -> str | None:
    """Return why there can be no server, None if there can."""
    if sys.platform == "win32":
        return "the server for tests is Debian's"
    try:
        import redis  # noqa: F401
    except ImportError:
        return "redis is not installed (extra team)"
    return None if shutil.which("redis-server") else "no Redis is installed (Debian's package redis-server)"


class RedisServer:
    """A server that can be killed, and started again; it forgets everything then."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="offhook-redis-"))
        self._socket = self.folder / "socket"
        self.start()

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        self._process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self._socket, "--save", "", "--dir", self.folder],
            stdout=subprocess.DEVNULL,
        )
        until(self._answers, "the server to answer", 30.0)

    def kill(self) -> None:
        """Kill the server."""
        self._process.kill()
        self._process.wait()

    def remove(self) -> None:
        """Kill the server, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answers(self) -> bool:
        asked = ["redis-cli", "-s", str(self._socket), "ping"]
        return subprocess.run(asked, capture_output=True, text=True).stdout.strip() == "PONG"
