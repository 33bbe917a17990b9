"""Calls with sound, words and speakers for the tests of their page."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from random import Random
from typing import Any

from playwright.sync_api import Locator, Page, expect

from shared.files import sha256_of
from shared.settings import Settings
from shared.speakers import LOUDNESS, ME, THEM, Label
from shared.store.store import Store
from shared.store.values import Record
from shared.words import Segment, Word
from tests.desk import DeskServer
from tests.integration.commands.spoken import CALL, say_again
from tests.integration.desk.sounds import beep
from tests.recordings import fmt, pcm, wav

RATE = 8_000
#: A machine that runs other tests at the same time is slow.
expect.set_options(timeout=20_000)
_numbers = count(1)


def call(server: DeskServer, store: Store, said: Iterable[tuple[str, str]] = CALL, **columns: Any) -> Record:
    """A finished call of 20 s whose recording is real; it stands in the library."""
    record = waiting(server, store, **columns)
    return say_again(Settings(home=server.stage.home), store, record, said)


def waiting(server: DeskServer, store: Store, **columns: Any) -> Record:
    """A call that is not transcribed yet."""
    title = f"Call {next(_numbers)} with Ada"
    path = Settings(home=server.stage.home).inbox / f"{title}.wav"
    path.write_bytes(wav(fmt(rate=RATE), pcm(beep(RATE))))
    given = {
        "source": "capture",
        "title": title,
        "sha256": sha256_of(path),
        "duration_seconds": 20.0,
        **columns,
    }
    return store.records.add(recording_path=str(path), **given)


def long_call(server: DeskServer, store: Store, segments: int) -> Record:
    """A call of many segments of different lengths, a few of whose words are improbable."""
    record = waiting(server, store)
    claim = store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    said, labels, random = [], [], Random(1)
    number, at = 0, 0
    for place in range(segments):
        length = random.randint(3, 30)
        words = tuple(
            Word(at + 350 * n, at + 350 * n + 300, f" word{(place * 7 + n) % 400}", 0.3 if n == 2 else 0.9)
            for n in range(length)
        )
        said.append(Segment(at, at + 350 * length, "".join(it.text for it in words).strip(), words))
        labels.append(Label(number, number + length - 1, (ME, THEM)[place % 2], LOUDNESS, 0.9))
        number, at = number + length, at + 350 * length
    store.claims.complete(claim, said, labels, duration_seconds=at / 1000, language="en")
    return store.records.get(record.id)


def opened(page: Page, server: DeskServer, record: Record, fragment: str = "") -> Page:
    """The page of a record, with its first text."""
    page.goto(f"{server.url}/records/{record.id}{fragment}")
    page.locator(".passage .text").first.wait_for()
    return page


def text(page: Page, place: int) -> Locator:
    """The text of a passage that is in the document, by its place."""
    return page.locator(".passage .text").nth(place)


def marked(page: Page, name: str) -> list[str]:
    """The texts that are marked with a highlight."""
    found: list[str] = page.evaluate(
        """name => [...CSS.highlights.get(name) ?? []].map(
            (it) => it.startContainer.data.slice(it.startOffset, it.endOffset))""",
        name,
    )
    return found


def click_word(page: Page, place: int, word: str, clicks: int = 1) -> None:
    """Click in the middle of a word of a passage."""
    x, y = text(page, place).evaluate(
        """(text, word) => {
            const range = document.createRange();
            const at = text.textContent.indexOf(word);
            range.setStart(text.firstChild, at);
            range.setEnd(text.firstChild, at + word.length);
            const box = range.getBoundingClientRect();
            return [box.left + box.width / 2, box.top + box.height / 2];
        }""",
        word,
    )
    page.mouse.click(x, y, click_count=clicks)
