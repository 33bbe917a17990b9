"""What the desk's server takes of the machine, and what its pages weigh."""

from __future__ import annotations

import gzip
import os
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext

from bench.goals import Figure
from offhook.web.assets import FOLDER
from shared.process import BEAT_SECONDS
from shared.settings import Settings
from shared.store.store import Store
from shared.workers import Presence
from tests.desk import DeskServer

IDLE_SECONDS = 60.0
SCRIPTS = ("js/queue.js", "js/call.js", "js/record.js", "js/recorder.js", "js/search.js")
SETTLE_SECONDS = 3.0
#: A module that another one imports.
IMPORT = re.compile(r"""^\s*(?:import|export)\b[^;'"]*?['"](\.[^'"]+)['"]""", re.MULTILINE)
MEMORY_GOAL_MB, CPU_GOAL_PERCENT, SCRIPT_GOAL_KB = 60.0, 0.5, 100.0


def memory(server: DeskServer) -> list[Figure]:
    """Return the resident memory of the server."""
    return [Figure("resident memory", [resident_mb(server)], MEMORY_GOAL_MB, "MB", always=True)]


def idle(server: DeskServer, context: BrowserContext, times: int) -> list[Figure]:
    """Return the processor time of the server while nothing happens, with a page and without, and its memory.

    In a whole home other processes beat, and each beat is a commit that the server looks at.
    """
    page = context.new_page()
    page.goto(server.url)
    with_page = _shares(server, times)
    with _neighbours(Settings(home=server.stage.home)):
        in_company = _shares(server, times)
    page.close()
    without = _shares(server, times)
    return [
        Figure("processor, a page open", with_page, CPU_GOAL_PERCENT, "%", always=True),
        Figure("processor, a page open, 3 other processes", in_company, CPU_GOAL_PERCENT, "%", always=True),
        Figure("processor, no page open", without, CPU_GOAL_PERCENT, "%", always=True),
        *memory(server),
    ]


def weight() -> list[Figure]:
    """Return the size of all scripts and styles together, compressed."""
    sizes = {ending: _compressed_kb(FOLDER.rglob(f"*.{ending}")) for ending in ("js", "css")}
    pages = [_compressed_kb(_modules(FOLDER / script)) for script in SCRIPTS]
    return [
        Figure("JavaScript of all pages, gzip", [sizes["js"]], SCRIPT_GOAL_KB, "kB", always=True),
        Figure("JavaScript of a page, gzip", pages, SCRIPT_GOAL_KB, "kB", always=True),
        Figure("CSS of all pages, gzip", [sizes["css"]], None, "kB"),
    ]


def resident_mb(server: DeskServer) -> float:
    """Return the resident memory of the server (Linux)."""
    pages = int(_proc(server, "statm").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _shares(server: DeskServer, times: int) -> list[float]:
    """Return how much of a processor the server takes, in percent, this many times."""
    time.sleep(SETTLE_SECONDS)
    return [_share(server) for _ in range(times)]


def _share(server: DeskServer) -> float:
    before = _cpu_seconds(server)
    time.sleep(IDLE_SECONDS)
    return 100 * (_cpu_seconds(server) - before) / IDLE_SECONDS


@contextmanager
def _neighbours(settings: Settings) -> Iterator[None]:
    """Beat as the other processes of a home do, one after another."""
    stopping = threading.Event()
    kinds = ("worker", "inbox", "capture")
    threads = [
        threading.Thread(target=_beat, args=(settings, kind, number * BEAT_SECONDS / len(kinds), stopping))
        for number, kind in enumerate(kinds)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def _beat(settings: Settings, kind: str, delay_seconds: float, stopping: threading.Event) -> None:
    with Store.of_home(settings) as store:
        presence = Presence(store, settings.locks, kind).enter()
        stopping.wait(delay_seconds)
        while not stopping.wait(BEAT_SECONDS):
            presence.beat("ready")
        presence.leave()


def _cpu_seconds(server: DeskServer) -> float:
    fields = _proc(server, "stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _proc(server: DeskServer, name: str) -> str:
    assert server.process
    return Path(f"/proc/{server.process.pid}/{name}").read_text("utf-8")


def _compressed_kb(paths: Iterable[Path]) -> float:
    return sum(len(gzip.compress(path.read_bytes(), 9)) for path in paths) / 1000


def _modules(script: Path) -> set[Path]:
    """Return a module and all that it needs."""
    found: set[Path] = set()
    waiting = [script.resolve()]
    while waiting:
        module = waiting.pop()
        if module not in found:
            found.add(module)
            waiting += [
                (module.parent / name).resolve() for name in IMPORT.findall(module.read_text("utf-8"))
            ]
    return found
