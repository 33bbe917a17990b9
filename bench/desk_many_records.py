"""Measures the page of 10,000 records: opening, filtering, scrolling, and how soon a change is seen."""

from __future__ import annotations

import time

from playwright.sync_api import BrowserContext, Page

from bench.desk_browser import longest_task_ms, milliseconds_to_count, nodes, now_ms, opening, watched_page
from bench.desk_long_call import READY
from bench.goals import Figure
from shared.settings import Settings
from shared.store.store import Store
from tests.desk import DeskServer

TEXT = "[data-record]"
FILTERS = ("call 99", "c-17", "")
CHANGES = 10
#: Notes the time of day at which a row has a text.
AWAIT_TITLE = """
([selector, text]) => {
  window.bench.changed = new Promise((resolve) => {
    const isThere = () => document.querySelector(selector)?.textContent.includes(text);
    const look = () => isThere() ? resolve(Date.now()) : requestAnimationFrame(look);
    look();
  });
}
"""


def measure(server: DeskServer, context: BrowserContext, times: int) -> list[Figure]:
    """Measure everything this many times."""
    openings, filtered, scrolled, counted, seen = [], [], [], [], []
    for _ in range(times):
        with watched_page(context) as page:
            openings.append(opening(page, server.url, TEXT, READY))
            filtered += [_filter(page, text) for text in FILTERS]
            seen += _changes(page, server)
            started = now_ms(page)
            _scroll(page)
            scrolled.append(longest_task_ms(page, started))
            counted.append(nodes(page))
    return [
        Figure("first paint", [it.first_paint for it in openings], 300),
        Figure("first record", [it.first_text for it in openings]),
        Figure("interactive", [it.interactive for it in openings], 1000),
        Figure("filter, from a key to the rows", filtered, 100),
        Figure("a change of state, from its commit to the row", seen, 300),
        Figure("nodes after scrolling", counted, 2000, "", always=True),
        Figure("longest task while scrolling (0: none of 50 ms)", scrolled, 50, always=True),
    ]


def _filter(page: Page, text: str) -> float:
    """Type into the search and wait until the number of records found is another one."""
    return milliseconds_to_count(page, "search", text, "total")


def _changes(page: Page, server: DeskServer) -> list[float]:
    """Change the priority of the first record in the list, and wait until its row is another one."""
    number = int(page.evaluate("document.querySelector('[data-record]').dataset.record"))
    found = []
    with Store.of_home(Settings(home=server.stage.home)) as store:
        for change in range(CHANGES):
            title = f"Call {time.time_ns()}"
            page.evaluate(AWAIT_TITLE, [f'[data-record="{number}"]', title])
            store.choices.describe(number, title=title)
            committed_ms = time.time() * 1000
            found.append(float(page.evaluate("window.bench.changed")) - committed_ms)
            page.wait_for_timeout(100 + 17 * change)
    return found


def _scroll(page: Page) -> None:
    page.mouse.move(600, 500)
    for step in range(60):
        page.mouse.wheel(0, 1500 * (40 if step % 10 == 9 else 1))
        page.wait_for_timeout(40)
