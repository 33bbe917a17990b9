"""Several watchers over one inbox, and one that starts again."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.files import Fingerprint
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.inbox.files import Clock, outcomes, put, recording, taken
from tests.stage import ROOT
from tests.tables import InboxFile, Record
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue

SWEEPER = """
import os, sys, time
from pathlib import Path
from shared.store.store import Store
from shared.settings import Settings
from transcribe_worker.inbox.sweep import Inbox
from transcribe_worker.jobs.hints import HintQueue

settings = Settings(home=Path(sys.argv[1]))
store = Store.open(settings.database_file)
inbox = Inbox(settings, store, HintQueue(settings.queue))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(3):
    inbox.sweep()
"""


OPENED: list[str] | None = None


def _note_opened(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and OPENED is not None:
        OPENED.append(str(arguments[0]))


sys.addaudithook(_note_opened)  # it cannot be taken away again


@contextmanager
def opened_under(folder: Path) -> Iterator[list[str]]:
    """Collect what this process opens in a folder."""
    global OPENED
    OPENED, found = [], []
    try:
        yield found
    finally:
        found += [path for path in OPENED if Path(path).parent == folder]
        OPENED = None


def test_two_processes_over_one_inbox_take_each_file_once(settings: Settings, store: Store):
    for seed in range(30):
        put(settings.inbox, f"{seed}.wav", recording(seed))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SWEEPER, str(settings.home)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0

    assert taken(store) == sorted(f"{seed}.wav" for seed in range(30))
    assert set(outcomes().values()) == {"adopted"}


def test_a_watcher_that_starts_again_takes_nothing_twice(
    inbox: Inbox,
    store: Store,
    settings: Settings,
    hints: HintQueue,
    clock: Clock,
):
    put(settings.inbox, "first.wav")
    put(settings.inbox, "copy.wav")
    inbox.sweep()
    (settings.inbox / "copy.wav").rename(settings.inbox / "moved copy.wav")
    Inbox(settings, store, hints, monotonic=clock).sweep()

    assert len(Record.select()) == 1
    assert sorted(outcomes().values()) == ["adopted", "copy"]


def test_two_thousand_known_files_are_not_opened_again(
    inbox: Inbox,
    settings: Settings,
    store: Store,
    hints: HintQueue,
    clock: Clock,
):
    rows = []
    for number in range(2_000):
        path = put(settings.inbox, f"{number}.wav", b"%d" % number)
        found = Fingerprint.of(path)
        rows.append((str(path), found.size_bytes, found.modified_ns, "adopted", None))
    columns = (
        InboxFile.path,
        InboxFile.size_bytes,
        InboxFile.modified_ns,
        InboxFile.outcome,
        InboxFile.record,
    )
    with store.transaction():
        for start in range(0, len(rows), 100):
            InboxFile.insert_many(rows[start : start + 100], columns).execute()

    with opened_under(settings.inbox) as opened:
        inbox.sweep()
        before = time.monotonic()
        inbox.sweep()
        second_sweep_seconds = time.monotonic() - before
    print(f"a sweep over 2,000 known files: {second_sweep_seconds * 1000:.0f} ms")
    assert opened == []

    put(settings.inbox, "7.wav", b"new")
    with opened_under(settings.inbox) as opened:
        inbox.sweep()
    assert {Path(path).name for path in opened} == {"7.wav"}
