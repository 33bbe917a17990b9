"""What the desk's server takes of the machine, and what its pages weigh."""

from __future__ import annotations

import gzip
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

from playwright.sync_api import BrowserContext

from bench.goals import Figure
from offhook.web.assets import FOLDER
from tests.desk import DeskServer

IDLE_SECONDS = 30.0
SCRIPTS = ("js/queue.js", "js/record.js", "js/recorder.js", "js/search.js")
SETTLE_SECONDS = 3.0
#: A module that another one imports.
IMPORT = re.compile(r"""^\s*(?:import|export)\b[^;'"]*?['"](\.[^'"]+)['"]""", re.MULTILINE)
MEMORY_GOAL_MB, CPU_GOAL_PERCENT, SCRIPT_GOAL_KB = 60.0, 0.5, 100.0


def memory(server: DeskServer) -> list[Figure]:
    """Return the resident memory of the server."""
    return [Figure("resident memory", [resident_mb(server)], MEMORY_GOAL_MB, "MB", always=True)]


def idle(server: DeskServer, context: BrowserContext) -> list[Figure]:
    """Return the processor time of the server while a page is open and nothing happens, and its memory."""
    page = context.new_page()
    page.goto(server.url)
    time.sleep(SETTLE_SECONDS)
    before = _cpu_seconds(server)
    time.sleep(IDLE_SECONDS)
    share = 100 * (_cpu_seconds(server) - before) / IDLE_SECONDS
    page.close()
    time.sleep(SETTLE_SECONDS)
    before = _cpu_seconds(server)
    time.sleep(IDLE_SECONDS)
    alone = 100 * (_cpu_seconds(server) - before) / IDLE_SECONDS
    return [
        Figure("processor, a page open", [share], CPU_GOAL_PERCENT, "%", always=True),
        Figure("processor, no page open", [alone], CPU_GOAL_PERCENT, "%", always=True),
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
