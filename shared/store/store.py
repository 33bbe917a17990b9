"""The store: one object, passed in, for all access to the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from shared.errors import SettingsError
from shared.host import host_of
from shared.settings import Settings
from shared.store.access import AccessKeys
from shared.store.audit import Audit, AuditedDatabase, Note
from shared.store.captures import Captures
from shared.store.carrying import Carrying
from shared.store.changes import RecordChanges
from shared.store.choices import Choices
from shared.store.claims import Claims
from shared.store.controls import Controls
from shared.store.database import BUSY_TIMEOUT_SECONDS, CACHE_KIB, ChangeFeed, Database
from shared.store.deletions import Deletions
from shared.store.deliveries import Deliveries
from shared.store.drafts import Drafts
from shared.store.edits import Edits
from shared.store.erasures import Erasures
from shared.store.figures import Figures
from shared.store.hooks import Hooks
from shared.store.inbox_files import InboxFiles
from shared.store.incoming import IncomingCalls
from shared.store.known_names import KnownNames
from shared.store.listing import Listing
from shared.store.live import LiveCalls
from shared.store.machines import Machines
from shared.store.notes import Notes
from shared.store.objects import Objects
from shared.store.outbox import Outbox
from shared.store.overlays import Overlays
from shared.store.parts import Parts
from shared.store.people import People
from shared.store.places import Places
from shared.store.records import Records
from shared.store.relocation import Relocation
from shared.store.search import Search
from shared.store.sign_ins import SignIns
from shared.store.sqlite.database import SqliteDatabase
from shared.store.sqlite.files import copy_database, has_calls, refuse_newer
from shared.store.sqlite.inspection import damaged_values, oddities
from shared.store.tallies import Tallies
from shared.store.transcripts import Transcripts
from shared.store.turns import Turns
from shared.store.uploads import Uploads
from shared.store.view import EVERYBODY, View
from shared.store.waveforms import Waveforms
from shared.store.workers import Workers

if TYPE_CHECKING:
    from shared.store.postgres.database import PostgresDatabase

__all__ = ["Store", "copy_database", "damaged_values", "has_calls", "oddities", "refuse_newer"]


class Store:
    """One database, as a process on `host` uses it; a context manager.

    It owns its connections, one for each thread. A thread that ends calls `disconnect`. `database` is for
    tests and measurements: a query past the store skips what the store makes sure of. `view` is as whom it
    is used.
    """

    def __init__(
        self,
        database: Database,
        host: str,
        clock: Callable[[], float] | None = None,
        view: View = EVERYBODY,
    ) -> None:
        self.database, self.host, self.view = database, host, view
        #: Tells the time by which waits and leases are judged, in seconds since 1970 in UTC.
        self.clock = clock = clock or database.clock
        self.transcripts = Transcripts(database)
        self.overlays = Overlays(database, clock)
        self.parts = Parts(database, self.transcripts, self.overlays)
        self.carrying = Carrying(database, self.transcripts, self.overlays, clock)
        self.drafts, self.notes = Drafts(database, clock), Notes(database, clock)
        self.search = Search(database, self.transcripts, self.overlays, view)
        self.edits = Edits(database, self.transcripts, self.overlays, self.carrying, self.parts, clock)
        self.records = Records(database, self.transcripts, self.carrying, clock, view)
        self.choices = Choices(database, self.records)
        self.listing = Listing(database, view)
        self.changes = RecordChanges(database, view)
        self.deletions = Deletions(database)
        self.places = Places(database, self.records, clock)
        self.claims = Claims(database, self.transcripts, self.overlays, self.carrying, host, clock)
        self.erasures, self.objects = Erasures(database), Objects(database, clock)
        self.captures = Captures(database, self.records, self.erasures, host)
        self.live = LiveCalls(database, host, clock)
        self.inbox_files = InboxFiles(database)
        self.uploads = Uploads(database, self.records, self.erasures, clock, view)
        self.incoming = IncomingCalls(database, self.records, self.erasures, self.objects, clock)
        self.waveforms = Waveforms(database)
        self.controls = Controls(database)
        self.workers = Workers(database, host, clock)
        self.turns = Turns(database, clock)
        self.machines = Machines(database, self.workers, host, clock)
        self.relocation = Relocation(database)
        self.tallies, self.figures = Tallies(database), Figures(database, clock)
        self.hooks = Hooks(database, clock)
        self.deliveries = Deliveries(database, clock)
        self.access = AccessKeys(database, clock)
        self.outbox = Outbox(database, clock)
        self.known_names = KnownNames(database, view)
        self.people, self.sign_ins = People(database, clock), SignIns(database, clock)
        self.audit = Audit(database, clock)

    def seen_by(self, view: View) -> Store:
        """Return this store as a person sees it; connections are shared."""
        return Store(self.database, self.host, self.clock, view)

    @contextmanager
    def noting(self, view: View, *notes: Note) -> Iterator[Store]:
        """Yield the store as a person sees it; what is noted of it is stored with the first change in it."""
        database = AuditedDatabase(self.database, self.audit, view, notes)
        yield Store(cast(Database, database), self.host, self.clock, view)
        database.finish()

    @classmethod
    def open(
        cls,
        place: Path | str,
        host: str = "",
        *,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
        cache_kib: int = CACHE_KIB,
        clock: Callable[[], float] | None = None,
    ) -> Store:
        """Open a file, which is created if need be, or a server's database by its URL, and bring its schema
        up to date.

        Raises NewerDatabase, SettingsError and StoreError; then nothing was changed.
        """
        if "://" in str(place):
            database: Database = _postgres().open(str(place), busy_timeout_seconds)
        else:
            database = SqliteDatabase.open(Path(place), busy_timeout_seconds, cache_kib)
        return cls(database, host, clock)

    @classmethod
    def of_home(
        cls,
        settings: Settings,
        *,
        busy_timeout_seconds: float = BUSY_TIMEOUT_SECONDS,
        cache_kib: int = CACHE_KIB,
    ) -> Store:
        """Open the store of a home. Raises as `open`."""
        place = settings.database or settings.database_file
        return cls.open(
            place, host_of(settings.home), busy_timeout_seconds=busy_timeout_seconds, cache_kib=cache_kib
        )

    @classmethod
    def for_reading(cls, settings: Settings) -> Store:
        """Open the store of a home that cannot be written. Raises NewerDatabase, StoreError."""
        host = ""
        with suppress(OSError):
            host = host_of(settings.home)
        return cls(SqliteDatabase.for_reading(settings.database_file), host)

    @classmethod
    def as_it_is(cls, path: Path) -> Store:
        """Read a database that has this version's schema, such as a copy; nothing is brought up to date."""
        return cls(SqliteDatabase(path), host="")

    @property
    def name(self) -> str:
        """The database as it may be shown: a path, or a URL without its password."""
        return self.database.name

    def transaction(self) -> AbstractContextManager[None]:
        """Make all that is done inside succeed or fail together; no other process writes meanwhile."""
        return self.database.transaction()

    def busy_timeout(self, seconds: float) -> AbstractContextManager[None]:
        """Wait for a busy database for at most `seconds`, in this thread."""
        return self.database.busy_timeout(seconds)

    def feed(self) -> ChangeFeed:
        """Return a feed of the changes that are committed from now on; a context manager."""
        return self.database.changes()

    def check(self) -> str | None:
        """Return what is wrong with the database: damage, or another schema than it should have."""
        return self.database.check()

    def schema_names(self) -> list[str]:
        """Return the names of the migrations that made this schema."""
        return self.database.schema_names()

    def make_movable(self) -> None:
        """Leave one file, which can be moved once the store is closed."""
        self.database.make_movable()

    def disconnect(self) -> None:
        """Close the calling thread's connection; another use opens one again."""
        self.database.disconnect()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.disconnect()


def _postgres() -> type[PostgresDatabase]:
    """Import what a team alone needs. Raises SettingsError if its driver is not installed."""
    try:
        from shared.store.postgres.database import PostgresDatabase
    except ImportError as error:
        raise SettingsError(
            f"`database` is a server's, which needs further packages ({error}). "
            "Run `pip install offhook[team]`."
        ) from error
    return PostgresDatabase
