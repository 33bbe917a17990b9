"""Which storage a queue of hints has: by its URL, or a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from shared.errors import SettingsError
from shared.host import host_of
from shared.settings import Settings

QUEUE = "offhook"
POSTGRES, REDIS = ("postgresql", "postgres"), ("redis", "rediss", "unix")


class HintStorage(Protocol):
    """What a queue of hints needs beside the methods of Huey's storages."""

    #: What its methods raise, and what a log says of it then.
    errors: tuple[type[Exception], ...]
    trouble: str
    is_on_a_server: bool

    def is_empty(self) -> bool:
        """Whether no hint waits."""

    def move(self, priorities: Mapping[int, float]) -> set[int]:
        """Give the hints of some records other priorities; return the records that have one."""

    def repair(self) -> None:
        """Do after an error what makes the next use succeed, if something here can."""

    def leave(self) -> None:
        """Close what the calling thread has of its own, before it ends."""

    def close(self) -> None:
        """Close the connections of the calling thread, and those that all threads share."""


def place_of(settings: Settings) -> tuple[Path | str, str]:
    """Return where the hints of a home are, a file or a URL, and the name of their queue.

    A server of Redis may have the hints of several offhooks, so that the name tells them apart: machines with
    one database have one queue.
    """
    url = settings.queue_url or settings.database
    if not url:
        return settings.queue, QUEUE
    if urlsplit(url).scheme in POSTGRES:
        return url, QUEUE
    return url, f"{QUEUE}_{urlsplit(settings.database).path.strip('/') or host_of(settings.home)}"


def storage_of(place: Path | str) -> Callable[[str], HintStorage]:
    """Return what makes the storage of a queue, by its name. Raises SettingsError."""
    if isinstance(place, Path):
        from transcribe_worker.jobs.hint_storage.sqlite import SqliteHints

        return lambda name: SqliteHints(name, place)
    try:
        if urlsplit(place).scheme in REDIS:
            from transcribe_worker.jobs.hint_storage.redis import RedisHints

            return lambda name: RedisHints(name, place)
        from transcribe_worker.jobs.hint_storage.postgres import PostgresHints
    except ImportError as error:
        raise SettingsError(
            f"The queue of hints is on a server, for which {error.name} is missing: pip install offhook[team]"
        ) from error
    return lambda name: PostgresHints(name, place)
