"""A worker process: consumer threads with an engine each, a follower of live calls and a sweeper."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from archive.library import Library
from shared.errors import OffhookError, StoreError
from shared.process import Process
from transcribe_worker.engine.setup import Setup, setups_as_json
from transcribe_worker.engine.supervisor import Engine
from transcribe_worker.jobs.archiver import Archiver
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper
from transcribe_worker.jobs.this_machine import ThisMachine
from transcribe_worker.jobs.transcriber import Transcriber
from transcribe_worker.jobs.turn import Turn
from transcribe_worker.live.finishing import Finisher
from transcribe_worker.live.follower import Follower
from transcribe_worker.live.following import LOOK_SECONDS as CALL_LOOK_SECONDS
from transcribe_worker.live.machine_state import trouble
from transcribe_worker.live.precedence import Precedence

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.1


def work(process: Process) -> None:
    """Take hints and transcribe until the process should stop; then hand unfinished recordings back."""
    settings = process.settings
    store = process.store
    hints, library = HintQueue.of(settings), Library(settings, store)
    states, setups = States(), Setups()
    machine = ThisMachine(settings, store, setups.all)
    precedence = Precedence(settings, store)
    turn = Turn(settings, store, process.presence.worker_id, machine.device)
    archiver = Archiver(library, store.disconnect)
    threads = Threads(
        lambda: Transcriber(
            settings=settings,
            store=store,
            library=library,
            worker_id=process.presence.worker_id,
            engine=Engine(note=setups.note),
            stopping=process.stopping,
            report=states.note,
            archive=archiver.archive,
            waits=precedence,
            turn=turn,
            give_back=lambda record: hints.send(record.id, record.priority),
        ),
        store.disconnect,
    )
    follower = Follower(
        settings=settings,
        store=store,
        worker_id=process.presence.worker_id,
        engine=Engine(note=setups.note, heartbeat_seconds=CALL_LOOK_SECONDS),
        stopping=process.stopping,
        report=states.note,
        finisher=Finisher(
            settings, store, library, process.presence.worker_id, process.stopping, archiver.archive
        ),
        trouble=trouble,
    )
    consumer = hints.consumer(
        threads.handle, workers=settings.workers, may_take=lambda: not machine.is_draining
    )
    hints.on_thread(start=threads.warm_up, stop=threads.close)
    sweeper = Sweeper(settings, store, hints, library, waits=precedence, turn=turn)
    sweeping = threading.Thread(target=sweeper.run, args=(process.stopping,), name="sweeper")
    following = threading.Thread(target=follower.run, name="follower")
    consumer.start()
    process.stop_on_signals()  # Huey has just set its own
    sweeping.start()
    following.start()
    try:
        while not process.stopping.wait(LOOK_SECONDS):
            consumer.check_worker_health()
            machine.beat()
            process.beat(states.summary(machine.is_draining), setups.written())
    finally:
        process.stopping.set()
        consumer.stop(graceful=True)
        following.join()
        archiver.close()
        sweeping.join()
        hints.close()


class States:
    """The state of each thread of a worker."""

    def __init__(self) -> None:
        self._of_thread: dict[int, str] = {}

    def note(self, state: str) -> None:
        """Note the state of the calling thread."""
        self._of_thread[threading.get_ident()] = state

    def summary(self, is_draining: bool) -> str:
        """Return the state of the busiest thread, or how far the machine is drained."""
        is_working = "working" in self._of_thread.values()
        if is_draining:
            return "draining" if is_working else "drained"
        return "working" if is_working else "ready"


class Setups:
    """The engine setup of each thread, for `offhook status`; each is logged once."""

    def __init__(self) -> None:
        self._of_thread: dict[int, Setup] = {}
        self._said: set[str] = set()

    def note(self, setup: Setup) -> None:
        """Note the setup of the calling thread's engine."""
        self._of_thread[threading.get_ident()] = setup
        words = setup.in_words()
        if words not in self._said:  # a new engine tries everything again
            self._said.add(words)
            log.log(logging.WARNING if setup.reason else logging.INFO, "engine: %s", words)

    def all(self) -> list[Setup]:
        """Return the setups of all threads."""
        return list(self._of_thread.values())

    def written(self) -> str:
        """Return all setups as JSON."""
        return setups_as_json(self.all())


class Threads:
    """A transcriber for each consumer thread."""

    def __init__(self, make: Callable[[], Transcriber], disconnect: Callable[[], object]) -> None:
        self._make, self._disconnect = make, disconnect
        self._local = threading.local()

    def handle(self, record_id: int | None) -> None:
        """Transcribe a recording in the calling thread."""
        try:
            self._transcriber().look(record_id)
        except StoreError as error:  # the record is as it was, and the sweeper warns
            log.debug("nothing can be taken now: %s", error.code)

    def warm_up(self) -> None:
        """Load the model before the first recording comes; an error is logged, and raised again then."""
        try:
            self._transcriber().load_default_model()
        except OffhookError as error:
            log.warning("%s", error)

    def close(self) -> None:
        """End the calling thread's engine, and its connection to the database."""
        self._transcriber().engine.close()
        self._disconnect()

    def _transcriber(self) -> Transcriber:
        if not hasattr(self._local, "transcriber"):
            self._local.transcriber = self._make()
        transcriber: Transcriber = self._local.transcriber
        return transcriber
