"""The pictures of the desk in the README: taken of the real pages, light and dark.

`OFFHOOK_TAKE_PICTURES=1 python start.py test -k pictures` takes them again.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests import desk_home
from tests.desk import DeskServer, serving, signed_in, watched
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


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    return width, height


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_looks_as_its_picture_says(
    desk: tuple[DeskServer, int], browser: Browser, tmp_path: Path, name: str, scheme: Any
):
    server, record_id = desk
    address, seen = PAGES[name]
    faults: list[str] = []
    picture = (PICTURES if TAKES else tmp_path) / f"{name}-{scheme}.png"
    view = {"width": WIDTH, "height": HEIGHT}
    with signed_in(browser, server, color_scheme=scheme, viewport=view) as context:
        page = watched(context.new_page(), faults)
        page.goto(server.url + address.format(record_id=record_id))
        expect(page.get_by_text(re.compile(re.escape(seen))).first).to_be_visible()
        page.wait_for_function("() => document.fonts.status === 'loaded'")
        page.screenshot(path=picture)
    assert faults == []
    assert size_of(PICTURES / f"{name}-{scheme}.png") == size_of(picture) == (WIDTH, HEIGHT)


def test_the_readme_shows_each_picture_in_light_and_dark():
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = set(re.findall(r"docs/pictures/([\w-]+\.png)", readme))
    assert shown == {path.name for path in PICTURES.glob("*.png")}
    assert {f"{name}-{scheme}.png" for name in PAGES for scheme in ("light", "dark")} <= shown
