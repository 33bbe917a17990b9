"""The pictures of the desk in the README: taken of the real pages, light and dark.

`OFFHOOK_TAKE_PICTURES=1 python start.py test -k pictures` takes them again.
"""

from __future__ import annotations

import os
import re
import struct
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from shared.home import prepare
from shared.settings import Settings
from shared.store.store import Store
from tests import desk_home
from tests.desk import DeskServer, serving, signed_in, watched
from tests.running_calls import running_call
from tests.stage import ROOT, Stage
from tests.waiting import until

PICTURES = ROOT / "docs" / "pictures"
TAKES = bool(os.environ.get("OFFHOOK_TAKE_PICTURES"))
WIDTH, HEIGHT = 1200, 760
#: Name of a picture -> its address, and what is seen there.
PAGES = {
    "calls": ("/", "Panel interview, platform team"),
    "transcript": ("/records/{record_id}#t=14", "I was looking forward to your call."),
    "search": ("/search?q=training", "budget for"),
}
RUNNING = "live"
SCHEMES = ("light", "dark")
#: Who said what in the running call.
SAID = (
    ("me", "Good morning, and thank you for taking the time to talk with me."),
    ("them", "Good morning. It is nice to hear from you."),
    ("me", "I have read your application, and I liked what you wrote about the training."),
    ("them", "Thank you. I gave it for two years, to groups of twelve people."),
    ("me", "When could you start?"),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DeskServer, int]]:
    """The server of a home that looks as after a week of work."""
    home = tmp_path_factory.mktemp("pictures") / "home"
    record_id = desk_home.make(home)
    with desk_home.at_work(home), serving(Stage(home)) as server:
        with closing(server.client()) as client:
            path = f"/api/v1/records/{record_id}/waveform?width=600"
            until(lambda: client.get(path).json()["ready"], "the waveform is measured")
        yield server, record_id


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DeskServer, str]]:
    """The server of a home in which a call is recorded and transcribed live."""
    home = tmp_path_factory.mktemp("live") / "home"
    settings = Settings(home=home)
    prepare(settings)
    with Store.of_home(settings) as store:
        about = {"candidate_id": "Ms. Okafor", "started_at": time.time() - 34}
        call_of = running_call(home, store, "Interview, platform team", **about)
        with call_of as call, serving(Stage(home)) as server:
            call.record(34)
            call.follow()
            for speaker, text in SAID:
                call.say(text, speaker, seconds=4.0, pause=0.6)
            call.guess("I could start at the beginning of")
            yield server, call.session_id


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


def assert_looks(browser: Browser, server: DeskServer, address: str, seen: str, picture: Path) -> None:
    """Open a page in the scheme of its picture, and take it."""
    faults: list[str] = []
    scheme: Any = picture.stem.split("-")[1]
    view = {"width": WIDTH, "height": HEIGHT}
    with signed_in(browser, server, color_scheme=scheme, viewport=view) as context:
        page = watched(context.new_page(), faults)
        page.goto(server.url + address)
        expect(page.get_by_text(re.compile(re.escape(seen))).first).to_be_visible()
        page.wait_for_function("() => document.fonts.status === 'loaded'")
        page.screenshot(path=picture)
    assert faults == []
    assert size_of(PICTURES / picture.name) == size_of(picture) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_its_picture_says(
    desk: tuple[DeskServer, int], browser: Browser, tmp_path: Path, name: str, scheme: str
):
    server, record_id = desk
    address, seen = PAGES[name]
    picture = (PICTURES if TAKES else tmp_path) / f"{name}-{scheme}.png"
    assert_looks(browser, server, address.format(record_id=record_id), seen, picture)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_running_call_looks_as_its_picture_says(
    running: tuple[DeskServer, str], browser: Browser, tmp_path: Path, scheme: str
):
    server, session_id = running
    picture = (PICTURES if TAKES else tmp_path) / f"{RUNNING}-{scheme}.png"
    assert_looks(browser, server, f"/calls/{session_id}", "at the beginning of", picture)


def test_the_readme_shows_each_picture_in_light_and_dark():
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = set(re.findall(r"docs/pictures/([\w-]+\.png)", readme))
    assert shown == {path.name for path in PICTURES.glob("*.png")}
    assert {f"{name}-{scheme}.png" for name in (*PAGES, RUNNING) for scheme in SCHEMES} <= shown
