"""Which recording this machine takes next, and what it leaves to others of its team.

A hint says that something may be due. Its record comes first if it is its person's turn; otherwise the one is
claimed whose turn it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from shared.errors import BadRecording, ModelMissing
from shared.settings import Settings
from shared.store.claims import Claim
from shared.store.machines import CPU, Machine
from shared.store.store import Store
from shared.store.transitions import QUEUED
from shared.store.turns import Taker
from shared.store.turns import Turn as PersonsTurn
from shared.store.values import Record
from transcribe_worker import model_files
from transcribe_worker.jobs.recipe import effective_options

log = logging.getLogger(__name__)

#: An answer about the queue and the other machines is good for this long.
GOOD_SECONDS = 2.0
#: So many of a person's records are tried, in case others are faster, or some cannot be taken.
CANDIDATES = 16


def cpu() -> str:
    """Where a machine decodes, as long as nothing else is known of it."""
    return CPU


def _comes_first(hinted: Record, turn: PersonsTurn, *, is_alone: bool) -> bool:
    """Whether a hinted record comes before the others of the person whose turn it is."""
    is_theirs = (hinted.owner_id, hinted.priority) == (turn.owner_id, turn.priority)
    return is_theirs and (is_alone or hinted.started_at is not None)


def anything(_: Record) -> bool:
    """Whether a record may be taken, where nothing keeps a worker from it."""
    return True


@dataclass
class Turn:
    """Chooses for all threads of a worker."""

    settings: Settings
    store: Store
    worker_id: str
    device: Callable[[], str] = cpu
    monotonic: Callable[[], float] = time.monotonic
    _taker: Taker = field(default_factory=Taker)
    _others: list[Machine] = field(default_factory=list)
    _until: float = 0.0
    _said: str = ""

    def claim(self, hinted: int | None, may: Callable[[Record], bool] = anything) -> Claim | None:
        """Claim the record whose turn it is; None if there is none.

        That is the hinted one if only one person waits, or if it was interrupted and it is its person's turn.
        """
        taker = self.taker()
        wanted = self.store.turns.takeable(taker, hinted) if hinted is not None else None
        order = self.store.turns.order(taker)
        for turn in order:
            first = [wanted] if wanted and _comes_first(wanted, turn, is_alone=len(order) == 1) else []
            others = self.store.turns.of(turn.owner_id, taker, CANDIDATES)
            if claim := self._first_of([*first, *others], may):
                return claim
        return None

    def claim_only(self, record_id: int, may: Callable[[Record], bool] = anything) -> Claim | None:
        """Claim this record; None if it cannot be taken here and now."""
        record = self.store.turns.takeable(Taker(), record_id)
        return self._first_of([record], may) if record else None

    def for_others(self, record_id: int, is_draining: bool) -> Record | None:
        """Return a record that is due, and that this machine leaves to another one, which has its model."""
        record = self.store.turns.takeable(Taker(), record_id)
        if record is None or (not is_draining and self.store.turns.takeable(self.taker(), record_id)):
            return None
        self.taker()
        model = record.requested_model or self.settings.model
        return record if any(model in machine.models for machine in self._others) else None

    def taker(self) -> Taker:
        """Return what this machine takes now."""
        return self.refreshed() if self.monotonic() >= self._until else self._taker

    def refreshed(self) -> Taker:
        """Ask the queue and the other machines again, and return what this machine takes now."""
        self._others = self.store.machines.others()
        self._taker = Taker(tuple(self._missing()), tuple(self._left()), self.settings.gpu_first_minutes * 60)
        self._until = self.monotonic() + GOOD_SECONDS
        return self._taker

    def _can(self, record: Record) -> bool:
        """Whether this machine has the model of a queued record, and nobody is about to complete it."""
        if record.transcription_status != QUEUED or self._is_followed(record):
            return False
        try:
            options = effective_options(record, self.settings)
            model_files.find(self.settings.models, options.model, options.language)
        except ModelMissing as missing:  # without a claim the wait counts no attempt
            self._say(str(missing))
            return False
        except BadRecording:  # the attempt fails with the reason
            pass
        return True

    def _first_of(self, records: list[Record], may: Callable[[Record], bool]) -> Claim | None:
        """Claim the first of some records that this machine can take, and that nobody else has taken."""
        ids = [record.id for record in records if may(record) and self._can(record)]
        if not ids:
            return None
        return self.store.claims.claim_first(
            ids,
            worker_id=self.worker_id,
            model=self.settings.model,
            lease_seconds=self.settings.lease_seconds,
        )

    def _is_followed(self, record: Record) -> bool:
        """Whether a worker has decoded it while it was recorded, and is about to complete it."""
        live = self.store.live.find(record.session_id) if record.is_capture else None
        return live is not None and live.token is not None

    def _missing(self) -> Iterator[str | None]:
        """Yield the models that records ask for and this machine lacks; log one that no other has."""
        elsewhere = {model for machine in self._others for model in machine.models}
        for model in self.store.records.awaited_models():
            name = model or self.settings.model
            try:
                model_files.find(self.settings.models, name, self.settings.language)
            except ModelMissing as missing:
                if name not in elsewhere:
                    self._say(str(missing))
                yield model

    def _left(self) -> set[str | None]:
        """Return the models that other machines have, which decode on a GPU; this one does not."""
        if self.device() != CPU:
            return set()
        names = {model for machine in self._others if machine.has_gpu for model in machine.models}
        return {*names, None} if self.settings.model in names else set(names)

    def _say(self, message: str) -> None:
        """Log a missing model once, for any number of recordings."""
        if message != self._said:
            log.warning("%s", message)
            self._said = message
