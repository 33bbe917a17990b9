"""The peaks of recordings in the database, as the desk draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.store.database import Database, Row
from shared.store.tables import RecordRow, WaveformRow

MOST_TICKS_PER_SECOND, MOST_SIDES = 100, 2


@dataclass(frozen=True)
class Waveform:
    """The peaks of each side, a byte a tick: twice the decibels above -127.5 dBFS, so 255 is full scale.

    `sha256` is that of the recording that they were computed from.
    """

    ticks_per_second: int
    sides: tuple[bytes, ...]
    sha256: str | None = None


class Waveforms:
    """The waveforms of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, record_id: int) -> Waveform | None:
        """Return the waveform of a record; None if there is none, or a damaged one."""
        row = self._database.first(WaveformRow.select().where(WaveformRow.record == record_id))
        return _waveform(row) if row and _is_sound(row) else None

    def save(self, record_id: int, waveform: Waveform) -> None:
        """Store the waveform of a record in place of another one; nothing if the record is deleted."""
        columns = {
            "sha256": waveform.sha256,
            "ticks_per_second": waveform.ticks_per_second,
            "sides": len(waveform.sides),
            "peaks": b"".join(_of_one_length(waveform.sides)),
        }
        query = WaveformRow.insert(record=record_id, **columns)
        with self._database.transaction():
            if self._database.scalar(RecordRow.select(RecordRow.id).where(RecordRow.id == record_id)):
                self._database.run(query.on_conflict(conflict_target=[WaveformRow.record], update=columns))


def _of_one_length(sides: Sequence[bytes]) -> list[bytes]:
    """Return the sides, each as long as the longest one."""
    ticks = max(map(len, sides))
    return [side.ljust(ticks, b"\0") for side in sides]


def _waveform(row: Row) -> Waveform:
    peaks, sides = row["peaks"], row["sides"]
    ticks = len(peaks) // sides
    apart = tuple(peaks[at : at + ticks] for at in range(0, ticks * sides, ticks or 1))
    return Waveform(row["ticks_per_second"], apart or (b"",) * sides, row["sha256"])


def _is_sound(row: Row) -> bool:
    rate, sides, peaks = row["ticks_per_second"], row["sides"], row["peaks"]
    if not isinstance(peaks, bytes) or type(rate) is not int or type(sides) is not int:
        return False
    is_counted = 0 < rate <= MOST_TICKS_PER_SECOND and 0 < sides <= MOST_SIDES
    return is_counted and len(peaks) % sides == 0
