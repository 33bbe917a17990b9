"""A team's server, a workstation that has joined it, and the network between the two, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from shared.files import Fingerprint, sha256_of
from shared.settings import Settings
from shared.store.outbox import OutboxItem
from shared.store.store import Store
from shared.store.values import Record
from shared.words import Segment, Word
from stress.team.network import Address, Link, Network
from tests.desk import DeskServer
from tests.stage import Stage
from tests.voices import SAMPLE_RATE_HZ, write_wav
from tests.waiting import until

LOOPBACK = "127.0.0.1"
#: Addresses of this machine too, at which links to the server listen.
LINKS = [f"127.0.0.{number}" for number in range(10, 100)]
PERSON = "ada"


@dataclass
class Team:
    """A server with one person, ada. Its worker is a process that a test starts, or `transcribed`."""

    desk: DeskServer
    network: Network
    store: Store
    _links: int = 0

    @property
    def stage(self) -> Stage:
        return self.desk.stage

    def token(self, name: str = "desk-7") -> tuple[str, int]:
        """A new token for a workstation, and its number."""
        made = self.stage.read("token", "create", name, "--workstation", "--person", PERSON)
        return made["token"], made["id"]

    def link(self) -> Link:
        """A way of its own to the server, for one workstation."""
        host = LINKS[self._links]
        self._links += 1
        return self.network.link("workstation", host, Address(LOOPBACK, self.desk.port), self.desk.port)

    def records(self, session_id: str) -> list[Record]:
        """The server's records of a call; there should be one at most."""
        return [it for it in self.store.records.every() if it.session_id == session_id]

    def transcribed(self, session_id: str, text: str = "Hello there.") -> None:
        """Complete a call as a worker does, without an engine."""
        record = until(lambda: self.store.records.of_session(session_id), "the call is at the server")
        claim = self.store.claims.claim(record.id, worker_id="worker", model="tiny.en", lease_seconds=60)
        assert claim
        self.store.claims.complete(claim, [said(text)], duration_seconds=1.0, language="en")

    def content(self, record: Record) -> bytes:
        """What the server has of a recording."""
        assert record.storage_key
        return (self.stage.home / "storage" / record.storage_key).read_bytes()


def said(text: str) -> Segment:
    """A segment whose words are a tenth of a second each."""
    words = tuple(
        Word(index * 100, index * 100 + 90, f" {word}", 0.9) for index, word in enumerate(text.split())
    )
    return Segment(0, words[-1].end_ms, text, words, first_word=0)


@dataclass
class Workstation:
    """A home that hands its recordings over; `outbox` runs the process that does."""

    stage: Stage
    store: Store
    link: Link
    team: Team
    token_id: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.link.address}"

    def join(self, *more: str) -> None:
        """Join the server as a person does."""
        token, self.token_id = self.team.token()
        done = self.stage.offhook("join", self.url, "--token", token, *more)
        assert done.returncode == 0, done.stderr

    @contextmanager
    def outbox(self) -> Iterator[None]:
        with self.stage.process("outbox_worker"):
            yield

    def queued(self, name: str = "call", seconds: float = 1.0) -> Record:
        """A recording in the inbox, with a record as the inbox makes it; each has a content of its own."""
        path = self.stage.inbox / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise(path, seconds, seed=sum(map(ord, name)))
        content = {"sha256": sha256_of(path), **asdict(Fingerprint.of(path))}
        return self.store.records.add(source="inbox", title=name, recording_path=str(path), **content)

    def item(self, record: Record) -> OutboxItem | None:
        return self.store.outbox.find(record.id)

    def reaches(self, record: Record, state: str, seconds: float = 60.0) -> OutboxItem:
        """Wait until a recording is in a state of the outbox."""

        def look() -> OutboxItem | None:
            item = self.item(record)
            return item if item and item.state == state else None

        try:
            found = until(look, f"{record.title} is {state}", seconds)
        except AssertionError as error:
            log = self.stage.home / "logs" / "outbox.log"
            said = log.read_text("utf-8")[-2000:] if log.exists() else "no log"
            raise AssertionError(f"{error}; it is {self.item(record)}\n{said}") from None
        assert found
        return found


def noise(path: Path, seconds: float, seed: int = 1) -> None:
    """Write a recording of noise."""
    samples = np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE_HZ)) * 0.05
    write_wav(path, samples.astype(np.float32))


@contextmanager
def team(folder: Path, database: str = "") -> Iterator[Team]:
    """Run a team's server with its storage in its home, and its database there or at a URL."""
    folder.mkdir(parents=True, exist_ok=True)
    own = (("OFFHOOK_WEB_HOSTS", ",".join(LINKS)), ("OFFHOOK_DATABASE", database))
    stage = Stage(folder / "server", own)
    added = stage.offhook("person", "add", PERSON, "--no-password")
    assert added.returncode == 0, added.stderr
    server = DeskServer(stage).start()
    try:
        settings = Settings(home=stage.home, database=database)
        with Network() as network, Store.of_home(settings) as store:
            yield Team(server, network, store)
    finally:
        server.stop()


@contextmanager
def workstation(folder: Path, team: Team, *settings: tuple[str, str]) -> Iterator[Workstation]:
    """Have a home that may join a team's server, over a link of its own."""
    stage = Stage(folder / "workstation", settings)
    assert stage.offhook("status").returncode == 0
    with Store.of_home(Settings(home=stage.home)) as store:
        yield Workstation(stage, store, team.link(), team)
