"""A PostgreSQL server of the campaign's own, which is killed or stopped at once, and started again."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from stress.programs import Death, Program
from stress.team.network import Address, free_port

USER, DATABASE = "offhook", "offhook"
#: An ordinary user, if this process is root: PostgreSQL refuses to run as root.
ORDINARY_USERS = ("postgres", "nobody")
READY_SECONDS = 60.0
LOOK_SECONDS = 0.1
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "300",
    "log_min_messages": "fatal",
    "log_lock_waits": "on",
}


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest; None if there are none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda it: int(it.parts[-3]))
    beside = shutil.which("postgres")
    return found[-1].parent if found else Path(beside).parent if beside else None


@dataclass
class Postgres:
    """A PostgreSQL server in a folder of its own; a context manager that removes it at the end.

    `settings` are added to those of the configuration file.
    """

    logs: Path
    settings: dict[str, str] = field(default_factory=dict)
    folder: Path | None = None  # kept afterwards, and used again if it has a server
    program: Program = field(init=False)

    def __enter__(self) -> Postgres:
        found = programs()
        assert found, "PostgreSQL is not installed"
        self._programs = found
        self._owner = _ordinary_user()
        self._temporary = None if self.folder else tempfile.mkdtemp(prefix="offhook-postgres-")
        self._place = self.folder or Path(self._temporary or "")
        self._place.mkdir(parents=True, exist_ok=True)
        self.address = Address("127.0.0.1", free_port())
        self._make()
        given = SETTINGS | self.settings | {"port": str(self.address.port)}
        options = [word for name, value in given.items() for word in ("-c", f"{name}={value}")]
        command = [*self._as_owner(), str(self._programs / "postgres"), "-D", str(self.data), *options]
        self.program = Program(
            "postgres", command, {**os.environ, "LC_ALL": "C.UTF-8"}, self.logs / "postgres.log"
        )
        self.program.start()
        try:
            self.wait()
            self._make_database()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if process := self.program.process:
            process.send_signal(signal.SIGINT)  # a fast stop: clients are sent away
            process.wait(READY_SECONDS)
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)

    @property
    def data(self) -> Path:
        """The server's folder."""
        return self._place / "data"

    def url(self, address: Address | None = None, application: str = "") -> str:
        """Return the database's URL, by way of another address if one is given."""
        name = f"?application_name={application}" if application else ""
        return f"postgresql://{USER}@{address or self.address}/{DATABASE}{name}"

    def connect(self) -> psycopg.Connection:
        """Return a connection that commits each statement."""
        return psycopg.connect(self.url(), autocommit=True, connect_timeout=5)

    def end_at_once(self, chance: random.Random) -> None:
        """Kill it, or tell it to stop without a checkpoint; start it again, and recover."""
        process = self.program.process
        assert process
        self.program.deaths.append(Death("postgres", time.monotonic()))
        process.send_signal(chance.choice((signal.SIGKILL, signal.SIGQUIT)))
        process.wait()
        self._wait_for_the_others()
        self.program.start()

    def wait(self) -> None:
        """Wait until it takes connections. Raises TimeoutError."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.Error):
                psycopg.connect(f"postgresql://{USER}@{self.address}/postgres", connect_timeout=5).close()
                return
            time.sleep(LOOK_SECONDS)
        raise TimeoutError(f"PostgreSQL is not ready; see {self.program.log}.")

    def _wait_for_the_others(self) -> None:
        """Wait until the sessions of a killed server have ended; until then no other one can start."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if not any(_is_below(path, self.data) for path in Path("/proc").glob("[0-9]*")):
                return
            time.sleep(LOOK_SECONDS)

    def _make(self) -> None:
        if self.data.exists():
            return
        if self._owner:
            shutil.chown(self._place, self._owner)
        made = [str(self._programs / "initdb"), "-D", str(self.data), "-U", USER, "-A", "trust", "-E", "UTF8"]
        options = ["--locale=C.UTF-8", "--no-sync"]
        subprocess.run([*self._as_owner(), *made, *options], check=True, capture_output=True, cwd="/")

    def _make_database(self) -> None:
        with psycopg.connect(f"postgresql://{USER}@{self.address}/postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _as_owner(self) -> list[str]:
        if not self._owner:
            return []
        return ["setpriv", f"--reuid={self._owner}", f"--regid={_group_of(self._owner)}", "--clear-groups"]


def _ordinary_user() -> str | None:
    """Return whom to run the server as; None for this process's own user."""
    if os.geteuid() != 0:
        return None
    known = {it.pw_name for it in pwd.getpwall()}
    return next(name for name in ORDINARY_USERS if name in known)


def _group_of(user: str) -> int:
    return pwd.getpwnam(user).pw_gid


def _is_below(process: Path, data: Path) -> bool:
    """Whether a process works in the server's folder."""
    try:
        return (process / "cwd").readlink() == data
    except OSError:
        return False
