"""Measures the desk in a real browser: `python -m bench.desk`.

Makes two homes, which takes two minutes: `--homes FOLDER` keeps them for the next run. The browser, the
server and this script share the machine, so figures include what they take from each other. The page is
written to `bench/results/desk.md`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import BrowserContext, sync_playwright

from bench import desk_homes, desk_long_call, desk_many_records, desk_server, desk_typing
from bench.figures import machine, table
from bench.goals import HEAD, Figure
from tests.desk import DeskServer, chromium, serving, signed_in
from tests.stage import Stage

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        homes = options.homes or Path(folder)
        sections = dict(_sections(homes, options.times, options.kills))
    text = f"# The desk\n\n{machine()}; headless Chromium; {options.times} times each.\n\n"
    text += "\n".join(f"## {title}\n\n{_table(figures)}" for title, figures in sections.items())
    (RESULTS / "desk.md").write_text(text, "utf-8")
    print(text)


def _sections(homes: Path, times: int, kills: int) -> Iterator[tuple[str, list[Figure]]]:
    with _visited(homes / "long", desk_homes.long_call) as (server, context):
        yield "A call of 8 hours, 80,000 words", desk_long_call.measure(server, context, times)
        yield "The server, after that", desk_server.memory(server)
    with _visited(homes / "many", desk_homes.many_records) as (server, context):
        yield "10,000 records", desk_many_records.measure(server, context, times)
        yield "The server, while a page is open", desk_server.idle(server, context, times)
    yield "Weight", desk_server.weight()
    if kills:
        yield "Killed while somebody types", desk_typing.measure(homes / "typing", kills)


@contextmanager
def _visited(home: Path, make: Callable[[Path], object]) -> Iterator[tuple[DeskServer, BrowserContext]]:
    """Run the server of a home, which is made if it is not there, and a browser that is signed in."""
    mark = home / "made-for-bench"
    if not mark.exists():
        make(home)
        mark.touch()
    with serving(Stage(home)) as server, sync_playwright() as playwright, chromium(playwright) as browser:
        # the conditions that this script waits for are strings, which the desk's policy forbids
        options = {"viewport": {"width": 1280, "height": 800}, "bypass_csp": True}
        with signed_in(browser, server, **options) as context:
            yield server, context


def _table(figures: Sequence[Figure]) -> str:
    return table(HEAD, [figure.row() for figure in figures])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.desk", description=__doc__)
    parser.add_argument("--homes", type=Path, help="keep the homes in this folder")
    parser.add_argument("--times", type=int, default=5, help="how often each is measured")
    parser.add_argument("--kills", type=int, default=50, help="kills of browser and server; 0 for none")
    return parser.parse_args()


if __name__ == "__main__":
    main()
