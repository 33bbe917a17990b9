"""Kills the browser and the server while somebody types, and finds out how much of the text is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from playwright.sync_api import BrowserContext, Error, Locator, Page, Playwright, sync_playwright

from bench.goals import Figure
from shared import home as folders
from shared.settings import Settings
from shared.store.store import Store
from shared.store.transitions import COMPLETED
from tests.desk import CHROMIUM, FLAGS, DeskServer, serving
from tests.stage import Stage
from tests.tables import Record, use
from tests.transcripts import sentence

SEED = 2026
WORDS = "the candidate said that the notice period is three months and that the salary was discussed before "
KEYS_A_SECOND = 8
SHORTEST_SECONDS, LONGEST_SECONDS = 0.5, 3.0
LOST_GOAL_SECONDS = 1.0
FOUND_SECONDS = 5.0
DRAFT_MS = 700


@dataclass(frozen=True)
class Typed:
    """A text, and when each of its characters was typed (monotonic seconds)."""

    text: str
    moments: tuple[float, ...]

    def lost_seconds(self, found: str, killed: float) -> float:
        """Return how much typing is missing in what was found."""
        pairs = zip(self.text, found, strict=False)
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        return 0.0 if kept == len(self.text) else max(0.0, killed - self.moments[kept])


def measure(home: Path, kills: int) -> list[Figure]:
    """Kill the browser and the server in turns."""
    chance = random.Random(SEED)
    lost: dict[str, list[float]] = {"browser": [], "server": []}
    _make(home)
    with serving(Stage(home)) as server, sync_playwright() as playwright:
        profile = Profile(playwright, server, home.with_name("profile"))
        for number in range(kills):
            victim = ("browser", "server")[number % 2]
            lost[victim].append(_one(profile, victim, chance))
        profile.kill()
    return [
        Figure(f"typing lost when the {victim} is killed", found, LOST_GOAL_SECONDS, "s", always=True)
        for victim, found in lost.items()
        if found
    ]


@dataclass
class Profile:
    """A browser whose profile outlives it."""

    playwright: Playwright
    server: DeskServer
    folder: Path
    context: BrowserContext | None = None

    def page(self) -> Page:
        """Open the record's page; start the browser first if it does not run."""
        if self.context is None:
            self.context = self.playwright.chromium.launch_persistent_context(
                str(self.folder), executable_path=CHROMIUM, args=list(FLAGS)
            )
            self.context.new_page().goto(self.server.sign_in_link())  # cookies reach the disk after 30 s
        page = self.context.new_page()
        page.goto(f"{self.server.url}/records/1")
        page.locator(".passage").first.wait_for()
        return page

    def kill(self) -> None:
        """Kill every process of the browser."""
        wanted = os.fsencode(f"--user-data-dir={self.folder}")
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):
                if wanted in path.read_bytes():
                    os.kill(int(path.parent.name), signal.SIGKILL)
        with suppress(Error):
            if self.context:
                self.context.close()
        self.context = None


def _one(profile: Profile, victim: str, chance: random.Random) -> float:
    """Type, kill, look what is there again; return the seconds of typing that are lost."""
    page = profile.page()
    field = _open_editor(page)
    field.fill("")
    typed = _type(page, chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS))
    killed = time.monotonic()
    if victim == "server":
        profile.server.kill()
        profile.server.start()
    else:
        profile.kill()
        page = profile.page()
    found = _kept(page, typed.text)
    page.keyboard.press("Escape")
    page.close()
    return typed.lost_seconds(found, killed)


def _open_editor(page: Page) -> Locator:
    field = page.locator(".editor textarea").first
    with suppress(Error):  # a draft that was found opens by itself
        field.wait_for(timeout=DRAFT_MS)
    if not field.is_visible():
        page.locator(".passage .text").first.dblclick()
        field.wait_for()
    return field


def _type(page: Page, seconds: float) -> Typed:
    text, moments = "", []
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        sign = WORDS[len(text) % len(WORDS)]
        page.keyboard.type(sign)
        text += sign
        moments.append(time.monotonic())
        time.sleep(1 / KEYS_A_SECOND)
    return Typed(text, tuple(moments))


def _kept(page: Page, typed: str) -> str:
    """Return the text in the open editor, as soon as it is the whole one, or after a while."""
    field = page.locator(".editor textarea").first
    with suppress(Error):
        field.wait_for(timeout=FOUND_SECONDS * 1000)
        deadline = time.monotonic() + FOUND_SECONDS
        while field.input_value() != typed and time.monotonic() < deadline:
            time.sleep(0.05)
        return field.input_value()
    return ""


def _make(home: Path) -> None:
    """Make a home with a short transcript."""
    settings = Settings(home=home)
    folders.prepare(settings)
    with Store.of_home(settings) as store:
        use(store)
        record = store.records.add(source="added", title="Typing", recording_path=str(home / "none.wav"))
        store.transcripts.replace(record.id, [sentence(f"Sentence number {n}.", 2000 * n) for n in range(20)])
        done = {"transcription_status": COMPLETED, "completed_at": time.time(), "progress": 1.0}
        Record.update(**done).where(Record.id == record.id).execute()
