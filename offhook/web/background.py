"""What the server does by itself beside answering: each task is a thread that ends when the server stops."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from offhook.desk.desk import Desk
from offhook.desk.left_calls import remove_left_calls
from offhook.desk.removing import remove_due
from offhook.desk.uploading import finish_left
from offhook.hooks.deliverer import deliver

log = logging.getLogger(__name__)

#: A task runs until the event is set; each is given the desk and that event.
Task = Callable[[Desk, threading.Event], None]
TASKS: tuple[Task, ...] = (
    deliver,
    remove_due,
    finish_left,
    remove_left_calls,
)
STOP_SECONDS = 5.0


@contextmanager
def running(desk: Desk, tasks: tuple[Task, ...] = TASKS) -> Iterator[None]:
    """Run the tasks while inside."""
    stopping = threading.Event()
    threads = [threading.Thread(target=_run, args=(task, desk, stopping), daemon=True) for task in tasks]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(STOP_SECONDS)


def _run(task: Task, desk: Desk, stopping: threading.Event) -> None:
    try:
        task(desk, stopping)
    except Exception:
        log.exception("a task of the server ended")
    finally:
        desk.store.disconnect()
