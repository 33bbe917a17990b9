"""MAIN PATH of a live call: find it, claim it, follow its recording, hand its text to its record.

The engine cuts and decodes the growing recording as it would the finished one. What is final is committed by
the session id of the call. So after a death at any line the record takes over what there is, and the rest is
decoded in its turn.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from shared.errors import (
    BadRecording,
    ClaimLost,
    EngineCrashed,
    EngineFailed,
    EngineUnusable,
    ModelMissing,
    StoreError,
    WorkerStopping,
    in_words,
)
from shared.home import part_of
from shared.logs import discreet
from shared.settings import RecordOptions, Settings
from shared.store.live import FOLLOWING, LiveClaim
from shared.store.store import Store
from shared.store.values import Capture
from shared.workers import Liveness
from transcribe_worker import model_files
from transcribe_worker.engine.messages import Load
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.findings import Findings
from transcribe_worker.jobs.loading import loading
from transcribe_worker.jobs.recipe import of_call, options_of, recipe
from transcribe_worker.live.finishing import Finisher
from transcribe_worker.live.following import Following, NotWorthwhile, QueuePaused, RecorderGone

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
#: Calls are recorded on workstations; a server that many machines ask is asked less often.
TEAM_LOOK_SECONDS = 2.0


@dataclass
class Follower:
    """Follows the calls that are recorded on this machine, one after another, with an engine of its own."""

    settings: Settings
    store: Store
    worker_id: str
    engine: Engine
    stopping: threading.Event
    report: Callable[[str], None]  # the worker's state, for `offhook status`
    finisher: Finisher
    trouble: Callable[[], str | None]  # of this machine: why nothing is to be decoded now

    def run(self) -> None:
        """Look for a call every 0.25 s, at a team's database every 2 s, until the worker stops."""
        every_seconds = TEAM_LOOK_SECONDS if self.settings.database else LOOK_SECONDS
        try:
            while not self.stopping.wait(every_seconds):
                try:
                    self.look()
                except StoreError as error:
                    log.debug("no call can be looked for now: %s", error.code)  # the sweeper warns
                except Exception:  # the next call may do better
                    log.exception("a call cannot be followed")
        finally:
            self.engine.close()
            self.store.disconnect()

    def look(self) -> None:
        """Follow the call that is recorded now, if there is one that nobody follows."""
        if call := self._next():
            self.report("working")
            try:
                self._follow(call)
            finally:
                self.engine.close()
                self.report("ready")

    def _next(self) -> Capture | None:
        """Return the running call to follow, None if there is none to be followed here and now."""
        if self.stopping.is_set() or self.store.controls.paused() or self.store.outbox.is_joined():
            return None
        running = self.store.captures.running()
        return next((it for it in running if self._is_wanted(it) and self._is_free(it)), None)

    def _is_wanted(self, call: Capture) -> bool:
        return call.is_live(self.settings.live) and call.host in (None, self.store.host)

    def _is_free(self, call: Capture) -> bool:
        live = self.store.live.find(call.session_id)
        if live and (live.state != FOLLOWING or live.token):
            return False
        return not Liveness(self.store, self.settings.locks).has_ended(call.worker_id, call.host)

    def _follow(self, call: Capture) -> None:
        options = options_of(self.settings, self.store, of_call(call))
        claim = self.store.live.claim(
            call.session_id,
            worker_id=self.worker_id,
            recipe=recipe(options),
            model=options.model,
            lease_seconds=self.settings.lease_seconds,
        )
        if claim is None:
            return
        log.info("call %s: followed", call.session_id)
        try:
            findings = self._decoded(call, claim, options)
            self.finisher.finish(claim, findings)
        except ClaimLost:
            log.info("call %s: no longer ours", call.session_id)
        except (WorkerStopping, RecorderGone, QueuePaused):
            self._release(claim)
        except StoreError:
            self._release(claim)
            raise
        except (BadRecording, EngineUnusable, ModelMissing, NotWorthwhile) as error:
            log.warning("call %s: not followed further: %s", call.session_id, discreet(error))
            self.store.live.switch_off(claim, str(error))
        except Exception as error:  # it would fail again, and what is claimed keeps the queue waiting
            log.exception("call %s: not followed further", call.session_id)
            self.store.live.switch_off(claim, f"{type(error).__name__}: {in_words(error)}")

    def _decoded(self, call: Capture, claim: LiveClaim, options: RecordOptions) -> Findings:
        """Decode a call to its end; an engine that crashed is started again, from where it was."""
        model_files.find(self.settings.models, options.model, options.language)
        path = part_of(self.settings.recording, call.session_id)
        while True:
            if not path.exists():  # it has ended meanwhile, and the queue has it
                raise RecorderGone
            following = Following(self.settings, self.store, claim, call, self.trouble, self.stopping.is_set)
            try:
                self.engine.load(self._load(options), following.keep)
                return following.follow(self.engine, following.job(path, options))
            except BadRecording as error:
                if path.exists():
                    raise
                raise RecorderGone from error  # it was handed over before the engine opened it
            except (EngineCrashed, EngineFailed) as error:
                crashes = self.store.live.crashed(claim)
                log.warning("call %s: %s", call.session_id, discreet(error))
                if crashes >= self.settings.max_crashes:
                    raise NotWorthwhile(f"The engine failed {crashes} times.") from error

    def _release(self, claim: LiveClaim) -> None:
        with suppress(ClaimLost, StoreError):  # the call was discarded, or the sweeper frees it
            self.store.live.release(claim)

    def _load(self, options: RecordOptions) -> Load:
        """Return how to load the model: with a share of the cores, in one lane, at low priority."""
        cores = self.settings.cpu_threads or os.cpu_count() or 1
        threads = max(1, int(cores * self.settings.live_cpu_share))
        return loading(self.settings, options.model, threads=threads, lanes=1, is_background=True)
