"""Measures the page of a call of eight hours: opening, scrolling, playing, finding."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from bench.desk_browser import longest_task_ms, milliseconds_to_count, nodes, now_ms, opening, watched_page
from bench.goals import Figure
from tests.desk import DeskServer

TEXT = ".passage"
READY = "performance.getEntriesByName('interactive').length > 0"
SCROLLS, SCROLL_PIXELS, SCROLL_PAUSE_MS = 60, 900, 40
PLAYED_MS = 4000
WORDS = ("salary", "thank you", "zzz")
LOADED = "performance.getEntriesByName('complete').length > 0"


def measure(server: DeskServer, context: BrowserContext, times: int) -> list[Figure]:
    """Measure everything this many times."""
    url = f"{server.url}/records/1"
    openings, found, scrolled, played, counted = [], [], [], [], []
    for _ in range(times):
        with watched_page(context) as page:
            openings.append(opening(page, url, TEXT, READY))
            page.wait_for_function(LOADED)
            found += [_find(page, words) for words in WORDS]
            _find(page, "")
            scrolled.append(_longest(page, _scroll))
            counted.append(nodes(page))
            played.append(_longest(page, _play))
    return [
        Figure("first paint", [it.first_paint for it in openings]),
        Figure("first text", [it.first_text for it in openings], 300),
        Figure("interactive", [it.interactive for it in openings], 1000),
        Figure("find", found, 100),
        Figure("nodes after scrolling", counted, 2000, "", always=True),
        Figure("longest task while scrolling (0: none of 50 ms)", scrolled, 50, always=True),
        Figure("longest task while playing (0: none of 50 ms)", played, 50, always=True),
    ]


def _find(page: Page, words: str) -> float:
    """Type words into the field and wait until their count is another one."""
    return milliseconds_to_count(page, "find", words, "find-count")


def _longest(page: Page, act: Callable[[Page], None]) -> float:
    started = now_ms(page)
    act(page)
    return longest_task_ms(page, started)


def _scroll(page: Page) -> None:
    page.mouse.move(600, 400)
    for step in range(SCROLLS):
        page.mouse.wheel(0, SCROLL_PIXELS * (40 if step % 10 == 9 else 1))  # now and then, far
        page.wait_for_timeout(SCROLL_PAUSE_MS)


def _play(page: Page) -> None:
    page.keyboard.press("Space")
    page.wait_for_timeout(PLAYED_MS)
    page.keyboard.press("Space")
