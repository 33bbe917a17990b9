"""This machine as the team sees it: what it can do, that it runs, and whether it is being drained."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version

from shared.errors import ModelMissing, StoreError
from shared.settings import Settings
from shared.store.machines import CPU, GPU
from shared.store.store import Store
from transcribe_worker import model_files
from transcribe_worker.engine.setup import Setup

log = logging.getLogger(__name__)

BEAT_SECONDS = 5.0


@dataclass
class ThisMachine:
    """Says what this machine can do every few seconds; any thread may ask whether it is drained."""

    settings: Settings
    store: Store
    setups: Callable[[], list[Setup]]  # of the engines that run
    monotonic: Callable[[], float] = time.monotonic
    is_draining: bool = False
    _next_beat: float = field(default=0.0)

    def beat(self) -> None:
        """Write this machine's row if that is due; what cannot be written now is written later."""
        if (now := self.monotonic()) < self._next_beat:
            return
        self._next_beat = now + BEAT_SECONDS
        with suppress(StoreError):  # the sweeper says so
            was_draining, self.is_draining = (
                self.is_draining,
                self.store.machines.beat(
                    name=platform.node() or self.store.host[:8],
                    version=version("offhook"),
                    device=self.device(),
                    models=sorted(models_here(self.settings)),
                    workers=self.settings.workers,
                ),
            )
            if self.is_draining != was_draining:
                log.info("this machine %s", "is drained" if self.is_draining else "takes recordings again")

    def device(self) -> str:
        """Where its engines decode, or are to decode as long as none has started."""
        devices = {setup.device for setup in self.setups()} or {self.settings.device}
        return GPU if GPU in devices else CPU


def models_here(settings: Settings) -> Iterator[str]:
    """Yield the names of the models that this machine has."""
    known = {it.name for it in model_files.listed(settings.models) if it.folder}
    yield from known
    if settings.model not in known:
        with suppress(ModelMissing):
            model_files.find(settings.models, settings.model)
            yield settings.model
