"""What a checker of accessibility (axe-core, WCAG 2.2 AA) finds on each page: nothing, light and dark."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from offhook.web.app import PAGES
from tests.desk import DeskServer

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page) -> list[str]:
    """What axe-core finds wrong in a page, with the elements that it means."""
    found: list[Any] = Axe().run(page, options=RULES).response["violations"]
    return [f"{it['id']}: {[node['target'] for node in it['nodes']]}" for it in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [path for path in PAGES if "{" not in path])
def test_an_empty_page_has_no_violation(desk: DeskServer, page: Page, path: str, scheme: Any):
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{desk.url}{path}", wait_until="load")
    page.get_by_role("heading", level=1).wait_for()
    assert violations(page) == []
