"""A real PostgreSQL server for tests: Debian's, started by an ordinary user in a temporary folder.

The server refuses to be run by root. Where tests are run by root, it runs as `nobody`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from shared.store.store import Store
from tests.waiting import until

USER, TEMPLATE = "offhook", "up_to_date"
#: A test's database is lost with the test, so that nothing waits for the disk.
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "dynamic_shared_memory_type": "posix",
    "autovacuum": "off",
    "logging_collector": "off",
}


def binaries() -> Path | None:
    """Return the folder of the server's programs, None if there is no server."""
    found = [Path(path) for path in _told_by_pg_config()]
    if on_path := shutil.which("postgres"):
        found.append(Path(on_path).parent)
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in found if (folder / "postgres").exists()), None)


def missing() -> str | None:
    """Return why there can be no server, None if there can."""
    if sys.platform == "win32":
        return "the server for tests is Debian's"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed (extra team)"
    return None if binaries() else "no PostgreSQL server is installed (Debian's package postgresql)"


def _told_by_pg_config() -> Iterator[str]:
    if program := shutil.which("pg_config"):
        yield subprocess.run(
            [program, "--bindir"], capture_output=True, text=True, check=False
        ).stdout.strip()


class PostgresServer:
    """A server on a socket in a folder of its own; it can be killed, and started again.

    A `folder` that is given may have a server already, and is used as it is.
    """

    def __init__(self, settings: dict[str, str] | None = None, folder: Path | None = None) -> None:
        self.folder = folder or Path(tempfile.mkdtemp(prefix="offhook-postgres-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._data, self._settings = (
            self.folder / "data",
            SETTINGS | (QUICK if settings is None else settings),
        )
        self._process: subprocess.Popen[bytes] | None = None
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody")
        self.folder.chmod(0o711)
        if not self._data.exists():
            self._run("initdb", "--pgdata", self._data, f"--username={USER}", "--auth=trust", "--no-sync",
                      "--encoding=UTF8", "--locale=C.UTF-8")  # fmt: skip
        self.start()

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def start(self) -> None:
        """Start the server, and wait until it answers.

        It refuses to start while processes of a killed one still have its memory, and is started again then.
        """
        self._launch()
        until(self._runs, "the server to answer", 60.0)

    def _runs(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            self._launch()
        return self._answers()

    def _launch(self) -> None:
        given = [
            part
            for name, value in self._settings.items()
            for part in ("-c", f"{name}={value.strip(chr(39))}")
        ]
        command = [
            *_dying_with_us(),
            self._program("postgres"),
            "-D",
            str(self._data),
            "-k",
            str(self.folder),
            *given,
        ]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, **_user()
            )

    def kill(self) -> None:
        """Kill the server and all its processes at once, as a power cut does."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server, and wait for its end; SIGQUIT stops it without a checkpoint."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait()

    def remove(self) -> None:
        """Stop the server at once, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement, and return its rows."""
        import psycopg

        with closing(psycopg.connect(self.url(database), autocommit=True)) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def make_template(self) -> None:
        """Make an up-to-date database, of which `database` makes copies: that takes a third of the time."""
        self.execute(f"CREATE DATABASE {TEMPLATE}")
        Store.open(self.url(TEMPLATE)).disconnect()

    @contextmanager
    def database(self, template: str = TEMPLATE) -> Iterator[str]:
        """Make a database for one test, and yield its URL."""
        name = f"test_{uuid.uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        try:
            yield self.url(name)
        finally:
            self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def _answers(self) -> bool:
        program = [self._program("pg_isready"), "-q", "-h", str(self.folder)]
        return subprocess.run(program, check=False).returncode == 0

    def _program(self, name: str) -> str:
        folder = binaries()
        assert folder
        return str(folder / name)

    def _run(self, name: str, *arguments: object) -> None:
        command = [self._program(name), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.folder, **_user())
        assert done.returncode == 0, done.stderr


def _dying_with_us() -> list[str]:
    """Return what lets a process end when the tests are killed, where the system can do that."""
    return ["setpriv", "--pdeathsig=QUIT"] if shutil.which("setpriv") else []


def _user() -> dict[str, str]:
    """Return how a process is started that root may not run."""
    return {"user": "nobody"} if os.getuid() == 0 else {}
