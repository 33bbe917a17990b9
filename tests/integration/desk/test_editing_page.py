"""Editing a call on its page: no typed text is lost, whatever ends or comes in between."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from shared.store.store import Store
from shared.store.values import Record
from tests.desk import CHROMIUM, FLAGS, DeskServer
from tests.integration.desk.calls import call, click_word, long_call, opened, text
from tests.waiting import until

TYPED = "Hello Max, Ada Lovelace here."


@pytest.fixture
def record(desk: DeskServer, desk_store: Store) -> Record:
    """A call of its own for each test."""
    return call(desk, desk_store)


def edit(page: Page, place: int) -> None:
    """Edit a passage by a double click on its first word."""
    click_word(page, place, text(page, place).inner_text().split()[0].strip(",."), clicks=2)
    expect(page.locator(".edit-field")).to_be_focused()


def retype(page: Page, place: int, said: str) -> None:
    """Write another text for a passage, without storing it."""
    edit(page, place)
    page.keyboard.press("Control+a")
    page.keyboard.type(said)


def drafts(store: Store, record: Record) -> list[str]:
    return [draft.text for draft in store.drafts.of_record(record.id)]


def test_a_double_click_edits_at_that_word(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    click_word(page, 1, "Aida", clicks=2)
    field = page.locator(".edit-field")
    expect(field).to_be_focused()
    place = field.evaluate("(field) => field.selectionStart")
    assert len("Hello Max, ") <= place <= len("Hello Max, Aida")


def test_enter_stores_and_goes_on_to_the_next_passage(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    retype(page, 1, TYPED)
    page.keyboard.press("Enter")
    expect(page.locator(".edit-field")).to_have_value("I wrote about the analytical engine.")
    expect(text(page, 1)).to_have_text(TYPED)
    page.keyboard.press("Escape")
    page.keyboard.press("u")
    expect(text(page, 1)).to_have_text("Hello Max, Aida loveless here.")


def test_the_editor_is_never_behind_the_player(desk: DeskServer, desk_store: Store, page: Page):
    opened(page, desk, long_call(desk, desk_store, 60))
    expect(page.locator("#open-doubts")).to_have_attribute("data-count", "60")
    edit(page, 0)
    for _ in range(12):
        before = page.locator(".edit-field").input_value()
        page.keyboard.press("Enter")
        expect(page.locator(".edit-field")).not_to_have_value(before)
        editor, player = page.locator(".editor").bounding_box(), page.locator("#player").bounding_box()
        assert editor
        assert player
        assert editor["y"] + editor["height"] <= player["y"]


def test_escape_leaves_a_passage_as_it_was_and_the_text_can_be_brought_back(
    desk: DeskServer, desk_store: Store, page: Page, record: Record
):
    opened(page, desk, record)
    retype(page, 1, TYPED)
    page.keyboard.press("Escape")
    expect(text(page, 1)).to_have_text("Hello Max, Aida loveless here.")
    expect(text(page, 1)).to_be_focused()
    until(lambda: drafts(desk_store, record) == [], "the draft is dropped")
    page.get_by_role("button", name="Bring them back").click()
    expect(page.locator(".edit-field")).to_have_value(TYPED)


def test_a_click_elsewhere_stores_what_was_typed(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    retype(page, 1, TYPED)
    page.get_by_role("heading", level=1).click()
    expect(page.locator(".edit-field")).to_have_count(0)
    expect(page.locator(".pending")).to_have_count(0)
    page.reload()
    expect(text(page, 1)).to_have_text(TYPED)


def test_tab_plays_while_typing(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_enabled()
    edit(page, 2)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.locator(".player-time")).to_contain_text(re.compile("0:1[01]"))
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect(page.locator(".edit-field")).to_be_focused()


def test_what_the_machine_wrote_is_shown_and_restored(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    retype(page, 1, TYPED)
    page.keyboard.press("Enter")
    expect(text(page, 1)).to_have_text(TYPED)
    page.keyboard.press("Escape")
    text(page, 1).focus()
    page.keyboard.press("o")
    expect(page.get_by_text("The machine wrote: “Hello Max, Aida loveless here.”")).to_be_visible()
    page.get_by_role("button", name="Restore").click()
    expect(text(page, 1)).to_have_text("Hello Max, Aida loveless here.")


def test_two_windows_edit_the_same_passage_and_both_texts_are_shown(
    desk: DeskServer, context: BrowserContext, page: Page, record: Record, faults: list[str]
):
    opened(page, desk, record)
    other = opened(context.new_page(), desk, record)
    retype(page, 1, "Hello Max, mine here.")
    retype(other, 1, "Hello Max, theirs here.")
    other.keyboard.press("Enter")
    expect(text(other, 1)).to_have_text("Hello Max, theirs here.")
    other.close()
    conflict = page.get_by_role("alert").filter(has_text="Changed in another window")
    expect(conflict).to_contain_text("Hello Max, theirs here.")
    expect(page.locator(".edit-field")).to_have_value("Hello Max, mine here.")
    conflict.get_by_role("button", name="Keep mine").click()
    expect(text(page, 1)).to_have_text("Hello Max, mine here.")
    page.reload()
    expect(text(page, 1)).to_have_text("Hello Max, mine here.")
    faults.clear()


def test_a_passage_that_is_typed_again_while_it_is_stored_is_no_conflict(
    desk: DeskServer, page: Page, record: Record
):
    opened(page, desk, record)
    held: list[Route] = []
    page.route("**/passages/5", lambda route: held.append(route))
    retype(page, 1, TYPED)
    with page.expect_request("**/passages/5"):
        page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    expect(page.locator(".edit-field")).to_have_value(TYPED)
    page.keyboard.type(" Again.")
    held[0].continue_()
    page.unroute("**/passages/5")
    expect(page.locator(".pending")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page.locator(".pending")).to_have_count(0)
    expect(text(page, 1)).to_have_text(f"{TYPED} Again.")


def test_another_window_sees_a_stored_text_and_keeps_its_place(
    desk: DeskServer, context: BrowserContext, page: Page, record: Record
):
    opened(page, desk, record)
    other = opened(context.new_page(), desk, record)
    retype(other, 1, TYPED)
    other.keyboard.press("Enter")
    expect(text(page, 1)).to_have_text(TYPED)
    other.close()
    assert page.evaluate("scrollY") == 0


def test_a_text_that_is_typed_in_another_window_is_not_offered_as_unsaved(
    desk: DeskServer, desk_store: Store, context: BrowserContext, page: Page, record: Record
):
    opened(page, desk, record)
    retype(page, 1, TYPED)
    until(lambda: drafts(desk_store, record) == [TYPED], "the draft is on the server")
    other = opened(context.new_page(), desk, record)
    expect(other.locator("#open-speakers")).to_be_visible()
    other.wait_for_load_state("networkidle")
    expect(other.locator(".edit-field")).to_have_count(0)
    other.close()


def test_a_killed_server_loses_no_typed_text(desk: DeskServer, page: Page, record: Record, faults: list[str]):
    opened(page, desk, record)
    edit(page, 1)
    desk.kill()
    page.keyboard.press("Control+a")
    page.keyboard.type(TYPED)
    expect(page.locator(".edit-state")).to_contain_text("kept in this browser")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your changes are kept in this browser")).to_be_visible()
    expect(text(page, 1)).to_have_text(TYPED)
    desk.start()
    expect(page.locator(".pending")).to_have_count(0)
    expect(page.get_by_text("Your changes are kept in this browser")).to_be_hidden()
    page.reload()
    expect(text(page, 1)).to_have_text(TYPED)
    faults.clear()


@contextmanager
def killable(
    browser: Browser, desk: DeskServer, profile: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Page]]:
    """A browser of its own with a profile that outlives it, and a page that is signed in."""
    assert CHROMIUM
    port_file = profile / "DevToolsActivePort"
    port_file.unlink(missing_ok=True)
    command = [CHROMIUM, "--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}", *FLAGS]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: port_file.exists() and "\n" in port_file.read_text("utf-8"), "Chromium listens")
        port = port_file.read_text("utf-8").split()[0]
        context = browser.browser_type.connect_over_cdp(f"http://127.0.0.1:{port}").contexts[0]
        page = context.new_page()
        page.goto(desk.sign_in_link())
        page.wait_for_url(f"{desk.url}/")
        yield process, page
    finally:
        process.kill()
        process.wait(15)


def test_a_killed_browser_loses_no_typed_text(
    desk: DeskServer, desk_store: Store, browser: Browser, record: Record, tmp_path: Path
):
    with killable(browser, desk, tmp_path) as (process, page):
        retype(opened(page, desk, record), 1, TYPED)
        until(lambda: drafts(desk_store, record) == [TYPED], "the draft is on the server")
        process.kill()
    with killable(browser, desk, tmp_path) as (_, page):
        opened(page, desk, record)
        expect(page.locator(".edit-field")).to_have_value(TYPED)
        expect(page.locator(".edit-note")).to_contain_text("Unsaved text of")
        page.keyboard.press("Enter")
        expect(text(page, 1)).to_have_text(TYPED)
        until(lambda: drafts(desk_store, record) == [], "the stored text takes its draft away")


def test_a_closed_page_sends_what_was_typed_last(
    desk: DeskServer, desk_store: Store, context: BrowserContext, record: Record
):
    page = opened(context.new_page(), desk, record)
    retype(page, 1, TYPED)
    page.close(run_before_unload=True)
    until(lambda: drafts(desk_store, record) == [TYPED], "the draft is on the server")
    again = opened(context.new_page(), desk, record)
    expect(again.locator(".edit-field")).to_have_value(TYPED)
    again.close()
