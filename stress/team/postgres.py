"""A PostgreSQL server that is reached over TCP, killed or stopped at once, and started again."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from stress.team.network import Address
from tests.postgres import USER, PostgresServer

DATABASE, PORT = "offhook", 5432
#: Any of them: several campaigns may run at once.
LOOPBACK = "127.{}.{}.1"


class Postgres(PostgresServer):
    """A server at a loopback address of its own; its database is named DATABASE."""

    def __init__(self, settings: dict[str, str], folder: Path | None = None) -> None:
        self.address = Address(LOOPBACK.format(random.randint(16, 254), random.randint(0, 254)), PORT)
        given = {"listen_addresses": self.address.host, "max_connections": "300", "autovacuum": "on"}
        super().__init__({**given, **settings}, folder)
        with suppress(psycopg.errors.DuplicateDatabase):
            self.execute(f"CREATE DATABASE {DATABASE}")

    def url_at(self, address: Address, application: str) -> str:
        """Return the database's URL by way of an address, for sessions with this name."""
        return f"postgresql://{USER}@{address}/{DATABASE}?application_name={application}"

    def connect(self) -> psycopg.Connection:
        """Return a connection that commits each statement."""
        return psycopg.connect(self.url(DATABASE), autocommit=True, connect_timeout=5)

    def end_at_once(self, chance: random.Random) -> None:
        """Kill it, or tell it to stop without a checkpoint; start it again, and let it recover."""
        if chance.random() < 0.5:
            self.kill()
        else:
            self.stop(signal.SIGQUIT)
        self.start()


@contextmanager
def served(settings: dict[str, str], folder: Path | None = None) -> Iterator[Postgres]:
    """Run a server; one in a temporary folder is removed at the end."""
    server = Postgres(settings, folder)
    try:
        yield server
    finally:
        server.stop()
        if folder is None:
            server.remove()
