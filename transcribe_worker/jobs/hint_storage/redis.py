"""Hints in Redis, in a sorted set."""

from __future__ import annotations

from collections.abc import Mapping

import redis
from huey.storage import PriorityRedisStorage
from redis.backoff import NoBackoff
from redis.retry import Retry

from transcribe_worker.jobs.hint_storage.messages import record_id_of

#: A thread that waits looks so often whether it should stop.
READ_SECONDS = 1.0
CONNECT_SECONDS, ANSWER_SECONDS = 3.0, 5.0
STAMP_BYTES = 8  # Huey writes the time before each message


class RedisHints(PriorityRedisStorage):  # type: ignore[misc]
    """A sorted set of Redis; a database of Redis may have those of several offhooks, by their names."""

    errors = (redis.RedisError,)
    trouble = "cannot be reached, and is tried again"
    is_on_a_server = True

    def __init__(self, name: str, url: str) -> None:
        pool = redis.ConnectionPool.from_url(
            url,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 1),  # for a connection that was closed meanwhile
        )
        super().__init__(name, connection_pool=pool, read_timeout=READ_SECONDS)

    def dequeue(self) -> bytes | None:
        """Return the next message, None after a while; unlike Huey's own, raise where the server hangs."""
        found = self.conn.bzpopmin(self.queue_key, timeout=self.read_timeout)
        return found[1][STAMP_BYTES:] if found else None

    def is_empty(self) -> bool:
        """Whether no hint waits."""
        return not self.conn.exists(self.queue_key)

    def move(self, priorities: Mapping[int, float]) -> set[int]:
        """Give the hints of some records other priorities; return the records that have one."""
        moved: dict[int, bytes] = {}
        for member in self.conn.zrange(self.queue_key, 0, -1):
            record_id = record_id_of(member[STAMP_BYTES:])
            if record_id is not None and record_id in priorities:
                moved[record_id] = member
        scores = {member: -priorities[record_id] for record_id, member in moved.items()}
        if scores:
            self.conn.zadd(self.queue_key, scores, xx=True)  # one that was taken meanwhile does not come back
        return set(moved)

    def leave(self) -> None:
        """Do nothing: a thread has nothing of its own."""

    def repair(self) -> None:
        """Let the next use connect again."""
        self.pool.disconnect()

    def close(self) -> None:
        """Close the connections."""
        self.pool.disconnect()
