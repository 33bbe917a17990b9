"""The search in the browser: moments as a person types, and the way to them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from shared.settings import Settings
from shared.speakers import THEM
from shared.store.store import Store
from shared.store.values import Record
from tests.desk import DeskServer
from tests.integration.commands.spoken import spoken


@pytest.fixture(scope="module")
def calls(desk: DeskServer, desk_store: Store) -> list[Record]:
    """Two calls in which people talk about the same things."""
    settings = Settings(home=desk.stage.home)
    first = spoken(settings, desk_store, "Call <i>")
    second = spoken(settings, desk_store, "Another", candidate_id="C-17")
    desk_store.overlays.rename(first.id, THEM, "Ada")
    spoken(settings, desk_store, "Long", [(THEM, "number please")] * 60)
    return [first, second]


@pytest.fixture
def search(page: Page, desk: DeskServer, calls: list[Record]) -> Page:
    page.goto(f"{desk.url}/search")
    return page


def texts(page: Page) -> list[str]:
    return page.locator(".hit-text").all_inner_texts()


def test_moments_are_found_while_a_word_is_typed_and_the_address_keeps_what_is_asked(search: Page) -> None:
    search.get_by_label("Words that were said").press_sequentially("lovel")
    expect(search.locator(".hit")).to_have_count(4)
    assert {*search.locator("mark").all_inner_texts()} == {"loveless"}
    expect(search.get_by_role("status").filter(has_text="4 moments in 2 calls")).to_be_visible()
    search.get_by_label("Speaker").fill("Ada")
    expect(search.locator(".hit")).to_have_count(1)
    assert texts(search) == ["Hello Max, Aida loveless here."]
    assert search.url.endswith("/search?q=lovel&speaker=Ada")
    search.reload()
    expect(search.locator(".hit")).to_have_count(1)
    search.get_by_label("Words that were said").fill("unheard")
    expect(search.get_by_text("Nothing found.")).to_be_visible()


def test_the_keys_lead_to_a_moment_and_open_the_call_there(
    search: Page, calls: list[Record], faults: list[str]
) -> None:
    field = search.get_by_label("Words that were said")
    field.fill("engine")
    expect(search.locator(".hit")).to_have_count(2)
    search.keyboard.press("ArrowDown")
    expect(search.locator(".hit").first).to_be_focused()
    search.keyboard.press("ArrowDown")
    expect(search.locator(".hit").last).to_be_focused()
    search.keyboard.press("Escape")
    expect(field).to_be_focused()
    search.keyboard.press("Enter")
    expect(search.locator(".hit").first).to_be_focused()
    search.keyboard.press("Enter")
    search.wait_for_url(f"**/records/{calls[1].id}#t=12")
    assert "Another" in search.title()
    faults.clear()  # the recording of this call has no sound to play


def test_more_moments_are_shown_below_and_the_keys_go_on_there(search: Page) -> None:
    search.get_by_label("Words that were said").fill("number")
    expect(search.locator(".hit")).to_have_count(50)
    search.get_by_role("button", name="Show more").click()
    expect(search.locator(".hit")).to_have_count(60)
    expect(search.locator(".hit").nth(50)).to_be_focused()
    assert search.get_by_role("button", name="Show more").is_hidden()
