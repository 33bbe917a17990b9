"""A deletion while others read the database."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from archive.erasing import Eraser
from archive.library import Library
from shared.settings import Settings
from shared.store.store import Store
from tests.integration.erasing.calls import FORGOTTEN, SAID, TITLE, Clock, make_call, notes, the_call
from tests.remains import remains
from tests.stage import Stage
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import Sweeper


def test_what_a_reader_keeps_from_going_is_finished_by_the_sweeper(
    settings: Settings, store: Store, hints: HintQueue, stage: Stage
) -> None:
    the_call(settings, store)
    monotonic = Clock(1_000.0)
    library = Library(settings, store)
    sweeper = Sweeper(settings, store, hints, library, monotonic=monotonic)
    with closing(sqlite3.connect(settings.database_file)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM segments").fetchone()

        done = stage.offhook("delete", "13", "--yes")

        assert done.returncode == 0
        assert done.stdout == "Recording 13: deleted\n"
        assert "A worker removes what is left" in done.stderr
        assert stage.offhook("show", "13").returncode == 1
        assert notes() == ["scrub"]
        sweeper.sweep()
        assert notes() == ["scrub"]
        assert remains(settings.home, FORGOTTEN) != set()
    sweeper.sweep()
    assert notes() == ["scrub"], "it rests after it has been in vain"
    monotonic.now += 31.0
    sweeper.sweep()
    assert notes() == []
    assert remains(settings.home, FORGOTTEN) == set()


def test_what_is_deleted_while_another_is_scrubbed_is_scrubbed_as_well(
    settings: Settings, store: Store, eraser: Eraser, library: Library
) -> None:
    for title in ("first", TITLE):
        make_call(settings, store, title, *SAID)
    with library.alone():
        eraser.mark([1])
        eraser.erase(1)
        order = store.erasures.scrub_order()
        assert order
        assert store.erasures.scrub(order, 1.0)
        eraser.mark([2])
        eraser.erase(2)
        store.erasures.scrubbed(order)
        assert store.erasures.scrub_order()
        assert eraser.scrub(1.0)
    assert remains(settings.home, FORGOTTEN) == set()
