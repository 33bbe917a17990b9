"""What is measured inside a page of a real browser: paint, long tasks, nodes, and when something is seen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, Page

#: Runs before every script of a page. Times are milliseconds since the page's navigation began.
WATCH = """
window.bench = {tasks: [], seen: {}};
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.bench.tasks.push([task.startTime, task.duration]);
}).observe({type: "longtask", buffered: true});
window.bench.await = (name, selector) => {
  const look = () => {
    const found = document.querySelector(selector);
    if (found && found.textContent.trim()) { window.bench.seen[name] = performance.now(); return; }
    requestAnimationFrame(look);
  };
  look();
};
"""
#: Resolves with the milliseconds until a condition over the page is true, looked at once a frame.
UNTIL = """
([action, condition]) => new Promise((resolve) => {
  const isSo = new Function("return " + condition);
  const started = performance.now();
  new Function(action)();
  const look = () => isSo() ? resolve(performance.now() - started) : requestAnimationFrame(look);
  look();
})
"""


@dataclass(frozen=True)
class Opening:
    """How a page opens, in milliseconds since its navigation began."""

    first_paint: float
    first_text: float
    interactive: float


@contextmanager
def watched_page(context: BrowserContext) -> Iterator[Page]:
    """Open a tab in which everything is watched."""
    page = context.new_page()
    page.add_init_script(WATCH)
    try:
        yield page
    finally:
        page.close()


def opening(page: Page, url: str, text: str, ready: str) -> Opening:
    """Open a page; `text` selects its first text, and `ready` is true once it can be worked with."""
    page.goto(url, wait_until="commit")
    page.evaluate("selector => window.bench.await('text', selector)", text)
    page.wait_for_function(ready, polling="raf")
    interactive = page.evaluate("performance.now()")
    page.wait_for_function("window.bench.seen.text")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0")
    return Opening(paint, page.evaluate("window.bench.seen.text"), interactive)


def milliseconds_until(page: Page, action: str, condition: str) -> float:
    """Do something in a page, and return how long it takes until a condition is true."""
    return float(page.evaluate(UNTIL, [action, condition]))


def longest_task_ms(page: Page, since_ms: float) -> float:
    """Return the longest task of a page's thread since then; 0 if none took 50 ms."""
    tasks: list[list[float]] = page.evaluate("window.bench.tasks")
    return max((duration for started, duration in tasks if started >= since_ms), default=0.0)


def now_ms(page: Page) -> float:
    """Return the page's clock."""
    return float(page.evaluate("performance.now()"))


def nodes(page: Page) -> int:
    """Return how many elements the page has."""
    return int(page.evaluate("document.getElementsByTagName('*').length"))


def milliseconds_to_count(page: Page, field: str, text: str, count: str) -> float:
    """Type a text into a field and return how long it takes until a count is written; both are ids."""
    shown = f"document.getElementById('{count}')"
    page.evaluate(f"{shown}.textContent = '…'")
    typed = f"f.value = {text!r}; f.dispatchEvent(new Event('input'))"
    typed = f"const f = document.getElementById('{field}'); {typed}"
    return milliseconds_until(page, typed, f"{shown}.textContent !== '…'")
