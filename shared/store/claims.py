"""A worker's right to a recording, and why an attempt at it ended."""

from __future__ import annotations

from dataclasses import dataclass

from shared.errors import OffhookError
from shared.store.models import Record
from shared.store.sqlite import first_cause


@dataclass(frozen=True)
class Claim:
    """A worker's right to one recording, good as long as its token stands in the record.

    The sweeper acts on another's claim; it names the lease by which it has judged, so that a worker
    that has just renewed keeps its recording.
    """

    record: Record
    token: str
    lease_expires_at: float | None = None


@dataclass(frozen=True)
class Failure:
    """Why an attempt ended: a code for programs, a message for people."""

    code: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Describe an error without its traceback."""
        error = first_cause(error)
        code = error.code if isinstance(error, OffhookError) else type(error).__name__
        return cls(code, str(error) or type(error).__name__)
