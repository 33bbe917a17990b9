"""The machines of a campaign: workstations, server machines, a database, a storage, and links between them.

Each machine has a home and an address of its own, and reaches the others by links alone. Some have a clock
that is an hour fast or slow.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from shared import home
from shared.host import host_of
from shared.settings import Settings
from shared.settings_sources import load
from shared.store.access import OWN, WORKSTATION
from shared.store.people import MEMBER
from shared.store.store import Store
from stress import stand_in
from stress.programs import Death, Program
from stress.team import fences
from stress.team.network import Address, Link, Network, free_port
from stress.team.postgres import DATABASE as DATABASE_NAME
from stress.team.postgres import Postgres, served
from stress.team.storage import Objects, objects_in
from tests.clocks import Clock, clock_in
from tests.stage import Stage
from tests.waiting import until

OUTBOX, WEB, WORKER, ENGINE, DATABASE, STORAGE = TARGETS = (
    *("outbox", "web", "worker", "engine"),
    *("postgres", "storage"),
)
#: Random kills are not the recording's fault, so no number of them may fail it here. A short lease makes
#: stalls end claims.
SETTINGS = {
    "LOG_LEVEL": "INFO",
    "MAX_CRASHES": "1000",
    "MAX_ATTEMPTS": "1000",
    "LEASE_SECONDS": "8",
    "CPU_THREADS": "1",
    "PRESET": "fast",
    "VOICES": "0",
}
#: Of machines in turn.
OFFSETS = ("+0", "+1h", "-1h")
ENGINE_SECONDS = 0.2
PERSONS = ("ada", "ben", "cem", "dora", "eli")
JOIN_SECONDS = 60
#: A process that is started while the database is away says so and ends; it is started again.
EXCUSE = "cannot go on: postgresql://"


@dataclass(frozen=True)
class Size:
    """How many machines there are."""

    workstations: int = 20
    servers: int = 3
    webs: int = 2


@dataclass
class Machine:
    """A machine: its home, what runs on it, and its ways to others."""

    name: str
    stage: Stage
    program: Program
    links: Sequence[Link] = ()

    @property
    def settings(self) -> Settings:
        """The settings of its home."""
        return load(self.stage.environment)


@dataclass
class Site:
    """All machines; a context manager. `faults` are processes that ended by themselves, a line each."""

    folder: Path
    size: Size
    storage_kind: str
    faults: list[str] = field(default_factory=list)
    deaths: list[Death] = field(default_factory=list)
    webs: list[Machine] = field(default_factory=list)
    servers: list[Machine] = field(default_factory=list)
    workstations: list[Machine] = field(default_factory=list)

    def __enter__(self) -> Site:
        self.logs = self.folder / "logs"
        self.logs.mkdir(parents=True)
        with ExitStack() as stack:
            self.network = stack.enter_context(Network())
            self.postgres: Postgres = stack.enter_context(served({}))
            self.objects: Objects = stack.enter_context(objects_in(self.folder, self.storage_kind))
            self._clocks = {offset: self._clock(number, offset) for number, offset in enumerate(OFFSETS)}
            stack.callback(self._stop)
            self.server = stack.enter_context(Store.open(self.postgres.url(DATABASE_NAME)))
            self._add_servers()
            self._add_workstations()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.__exit__(None, None, None)

    @property
    def machines(self) -> list[Machine]:
        """All machines with a home."""
        return [*self.webs, *self.servers, *self.workstations]

    def mind(self) -> None:
        """Start what has ended by itself, which is a fault."""
        for machine in self.machines:
            machine.program.mind()

    def _stop(self) -> None:
        for machine in reversed(self.machines):
            machine.program.stop()

    def _clock(self, number: int, offset: str) -> Clock | None:
        clock = clock_in(self.folder / "clocks" / str(number))
        if clock:
            clock.set(offset)
        return clock

    def _add_servers(self) -> None:
        for number in range(self.size.webs):
            port = {
                "WEB_PORT": str(free_port()),
                "WEB_HOSTS": ",".join(map(_host_of, range(self.size.workstations))),
            }
            name = f"web-{number}"
            self.webs.append(self._server(name, f"127.0.1.{number + 1}", number, "offhook.web", port))
        for name in PERSONS:
            self.server.people.add(name, MEMBER)
        for number in range(self.size.servers):
            name = f"{fences.WORKER_NAMES}{number}"
            machine = self._server(name, f"127.0.2.{number + 1}", number, "stress.stand_in_worker", {})
            stand_in.add_model(machine.settings.models)
            self.servers.append(machine)
        with self.postgres.connect() as connection:
            fences.install(connection, {host_of(it.stage.home): it.name for it in self.servers})
        for machine in (*self.webs, *self.servers):
            machine.program.start()
        until(lambda: all((web.stage.home / "web.json").exists() for web in self.webs), "the web servers")

    def _server(self, name: str, host: str, number: int, module: str, more: dict[str, str]) -> Machine:
        database = self.network.link(f"{name} to postgres", host, self.postgres.address)
        links, there = [database], None
        if self.objects.address:
            links.append(self.network.link(f"{name} to storage", host, self.objects.address))
            there = links[-1].address
        settings = {
            "DATABASE": self.postgres.url_at(database.address, name),
            "STORAGE": self.objects.setting(there),
            "MODEL": stand_in.STAND_IN,
            **more,
        }
        machine = self._machine(name, settings, number, module)
        machine.links = links
        return machine

    def _add_workstations(self) -> None:
        for number in range(self.size.workstations):
            web = self.webs[number % len(self.webs)]
            machine = self._machine(f"workstation-{number}", {}, number, "outbox_worker")
            there = Address("127.0.0.1", int(web.settings.web_port))
            # The server knows itself by this address and its own port.
            link = self.network.link(f"{machine.name} to {web.name}", _host_of(number), there, there.port)
            machine.links = [link]
            person = self.server.people.get(PERSONS[number % len(PERSONS)])
            token = self.server.access.add(WORKSTATION, OWN, name=machine.name, person_id=person.id)
            self._run(machine, "join", f"http://{link.address}", "--token", token)
            machine.program.start()
            self.workstations.append(machine)

    def _machine(self, name: str, settings: dict[str, str], number: int, module: str) -> Machine:
        given = {f"OFFHOOK_{key}": value for key, value in {**SETTINGS, **settings}.items()}
        given |= {stand_in.SECONDS_VARIABLE: str(ENGINE_SECONDS), **self.objects.environment}
        if clock := self._clocks[OFFSETS[number % len(OFFSETS)]]:
            given |= dict(clock.settings)
        stage = Stage(self.folder / name, tuple(given.items()))
        home.prepare(load(stage.environment))
        command = [sys.executable, "-m", module]
        log = self.logs / f"{name}.log"
        program = Program(name, command, stage.environment, log, self.faults, self.deaths, EXCUSE)
        return Machine(name, stage, program)

    def _run(self, machine: Machine, *words: str) -> str:
        done = machine.stage.offhook(*words, timeout=JOIN_SECONDS)
        if done.returncode:
            raise RuntimeError(f"offhook {' '.join(words)} on {machine.name}: {done.stderr}")
        return done.stdout


def _host_of(workstation: int) -> str:
    return f"127.0.3.{workstation + 1}"
