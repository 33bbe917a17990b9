"""The page of the queue in a real browser: live, by mouse and by keyboard."""

from __future__ import annotations

import re
import socket
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from offhook.web.listeners import MOST_STREAMS
from shared.store.claims import Failure
from shared.store.store import Store
from tests import tables
from tests.desk import DeskServer, signed_in, watched
from tests.integration.commands.calling import claimed, completed, failed
from tests.integration.desk.test_accessibility import violations
from tests.waiting import until

MANY = 10_000
FITS = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture(autouse=True)
def empty(desk_store: Store) -> None:
    """No recordings of the test before."""
    desk_store.controls.set_paused(False)
    tables.Record.delete().execute()


def add(store: Store, title: str, **columns: Any) -> int:
    return store.records.add(source="added", title=title, recording_path=f"/{title}.wav", **columns).id


def row(page: Page, title: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=title, exact=True))


def titles(page: Page) -> list[str]:
    return page.locator(".calls .call-title").all_inner_texts()


def selected(page: Page) -> list[str]:
    return page.locator(".calls .call[aria-selected=true] .call-title").all_inner_texts()


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.querySelector?.('.call-title')?.textContent ?? ''"))


def open_queue(page: Page, desk: DeskServer, query: str = "") -> None:
    page.goto(f"{desk.url}/{query}")
    page.get_by_role("heading", name="Calls", exact=True).wait_for()


def is_shown(page: Page, wanted: list[str]) -> None:
    expect(page.locator(".calls .call-title")).to_have_text(wanted)


# Live


def test_a_call_is_seen_from_its_beginning_to_its_end_without_a_reload(
    desk: DeskServer, page: Page, desk_store: Store
):
    open_queue(page, desk)
    claim = claimed(desk_store, "live call", duration_seconds=600.0)
    expect(row(page, "live call")).to_contain_text("Transcribing")

    desk_store.claims.renew(claim, lease_seconds=60, progress=0.5, speed=10.0)
    expect(row(page, "live call")).to_contain_text("50 %, 30 s left")
    expect(row(page, "live call").get_by_role("progressbar")).to_have_js_property("value", 0.5)

    desk_store.claims.complete(claim, [])
    expect(row(page, "live call")).to_contain_text("Completed")
    expect(page.get_by_role("button", name="Completed 1")).to_be_visible()


def test_a_failure_says_why_and_what_to_do(desk: DeskServer, page: Page, desk_store: Store):
    open_queue(page, desk)
    failed(desk_store, "broken")
    expect(row(page, "broken")).to_contain_text("broken.wav is empty (0 bytes).")
    expect(row(page, "broken")).to_contain_text("Look for the original file")

    waits = claimed(desk_store, "shaky")
    desk_store.claims.retry_later(waits, Failure("engine_crashed", "The engine died."), wait_seconds=60)
    expect(row(page, "shaky")).to_contain_text("it is tried again by itself")


def test_a_page_recovers_from_a_killed_server_and_has_missed_nothing(
    desk: DeskServer, page: Page, desk_store: Store, faults: list[str]
):
    changed, gone = add(desk_store, "changed meanwhile"), add(desk_store, "gone meanwhile")
    open_queue(page, desk)
    is_shown(page, ["gone meanwhile", "changed meanwhile"])

    desk.kill()
    expect(page.locator("#server-away")).to_be_visible()
    desk_store.records.cancel(changed)
    desk_store.records.delete(gone)
    add(desk_store, "new meanwhile")
    desk.start()

    expect(page.locator("#server-away")).to_have_count(0, timeout=20_000)
    is_shown(page, ["new meanwhile", "changed meanwhile"])
    expect(row(page, "changed meanwhile")).to_contain_text("Cancelled")
    faults.clear()  # connections that were refused meanwhile


def test_ten_tabs_are_live_with_one_stream(
    desk: DeskServer, context: BrowserContext, desk_store: Store, faults: list[str]
):
    """Browsers allow six connections to a server."""
    tabs = [watched(context.new_page(), faults) for _ in range(10)]
    for tab in tabs:
        open_queue(tab, desk)
    record_id = add(desk_store, "everywhere")
    for tab in tabs:
        expect(row(tab, "everywhere")).to_contain_text("Waiting")
    desk_store.records.cancel(record_id)
    for tab in tabs:
        expect(row(tab, "everywhere")).to_contain_text("Cancelled")
        tab.close()
    assert faults == []


def test_a_page_that_is_one_too_many_says_so_and_is_live_as_soon_as_there_is_room(
    desk: DeskServer, page: Page, client: httpx.Client, faults: list[str]
):
    cookies = "; ".join(f"{it.name}={it.value}" for it in client.cookies.jar)
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{desk.port}\r\nCookie: {cookies}\r\n\r\n"
    others = [socket.create_connection(("127.0.0.1", desk.port), timeout=30) for _ in range(MOST_STREAMS)]
    for other in others:
        other.sendall(request.encode())
        assert other.recv(100).startswith(b"HTTP/1.1 200")
    open_queue(page, desk)
    expect(page.locator("#server-away")).to_contain_text("Too many pages", timeout=20_000)
    for other in others:
        other.close()
    expect(page.locator("#server-away")).to_have_count(0, timeout=20_000)
    faults.clear()  # of the refusals


def test_a_page_whose_session_has_ended_says_how_to_sign_in(desk: DeskServer, browser: Browser):
    with signed_in(browser, desk) as context:
        page = context.new_page()
        open_queue(page, desk)
        context.clear_cookies()
        desk.kill()
        desk.start()
        expect(page.locator("#server-away")).to_contain_text("offhook open", timeout=30_000)


def test_without_shared_workers_a_page_has_a_stream_of_its_own(
    desk: DeskServer, page: Page, desk_store: Store
):
    page.add_init_script("delete globalThis.SharedWorker")
    open_queue(page, desk)
    add(desk_store, "alone")
    expect(row(page, "alone")).to_contain_text("Waiting")


def test_new_calls_are_seen_at_the_top_and_move_nothing_that_is_read_further_down(
    desk: DeskServer, page: Page, desk_store: Store
):
    for number in range(60):
        add(desk_store, f"call {number}")
    open_queue(page, desk)
    add(desk_store, "seen at once")
    expect(row(page, "seen at once")).to_be_in_viewport()
    assert page.evaluate("scrollY") == 0

    page.mouse.move(600, 500)
    page.mouse.wheel(0, 1500)
    until(lambda: page.evaluate("scrollY") > 1000, "the page is scrolled")
    in_the_middle = "document.elementFromPoint(600, 500).closest('.call')"
    title = page.evaluate(f"{in_the_middle}.querySelector('.call-title').textContent")
    place = row(page, title).bounding_box()
    add(desk_store, "not in sight")
    expect(page.locator("#total")).to_have_text("62 calls")
    until(lambda: row(page, title).bounding_box() == place, "the call is where it was")


# Several at once


def test_several_are_selected_by_keyboard_and_cancelled_deleted_and_brought_back(
    desk: DeskServer, page: Page, desk_store: Store
):
    for number in range(5):
        add(desk_store, f"call {number}")
    open_queue(page, desk)

    page.keyboard.press("ArrowDown")
    assert focused(page) == "call 4"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowDown")
    assert selected(page) == ["call 3", "call 2", "call 1"]
    page.keyboard.press("c")
    expect(page.get_by_text("3 calls cancelled.")).to_be_visible()
    expect(page.get_by_role("button", name="Cancelled 3")).to_be_visible()
    assert selected(page) == ["call 3", "call 2", "call 1"]

    page.keyboard.press("Delete")
    is_shown(page, ["call 4", "call 0"])
    assert focused(page) == "call 0"
    assert desk_store.records.counts()["cancelled"] == 3

    page.get_by_role("button", name="Undo").click()
    is_shown(page, [f"call {number}" for number in (4, 3, 2, 1, 0)])
    assert not desk_store.deletions.next_due_at()


def test_calls_are_selected_with_the_mouse_as_files_are(desk: DeskServer, page: Page, desk_store: Store):
    for number in range(6):
        add(desk_store, f"call {number}")
    open_queue(page, desk)

    row(page, "call 4").click(position={"x": 400, "y": 8})
    assert selected(page) == ["call 4"]
    row(page, "call 2").click(position={"x": 400, "y": 8}, modifiers=["Shift"])
    assert selected(page) == ["call 4", "call 3", "call 2"]
    row(page, "call 3").click(position={"x": 400, "y": 8}, modifiers=["Control"])
    row(page, "call 0").get_by_role("checkbox").click()
    assert selected(page) == ["call 4", "call 2", "call 0"]
    expect(page.get_by_role("toolbar", name="Selected calls")).to_contain_text("3 calls selected")

    page.keyboard.press("a")
    assert len(selected(page)) == 6
    page.keyboard.press("Escape")
    expect(page.get_by_role("toolbar", name="Selected calls")).to_be_hidden()


def test_what_cannot_be_done_with_one_is_said_and_done_with_the_others(
    desk: DeskServer, page: Page, desk_store: Store
):
    completed(desk_store, "done", "Good morning.")
    add(desk_store, "waits")
    open_queue(page, desk)

    page.keyboard.press("a")
    page.get_by_role("toolbar").get_by_role("button", name="Cancel").click()

    expect(page.get_by_text("1 call cancelled.")).to_be_visible()
    expect(page.get_by_text("There is nothing to cancel.")).to_be_visible()


def test_selection_and_focus_stay_while_rows_change(desk: DeskServer, page: Page, desk_store: Store):
    for number in range(5):
        add(desk_store, f"call {number}")
    open_queue(page, desk)
    row(page, "call 2").click(position={"x": 400, "y": 8})

    for record in list(desk_store.records.every()):
        desk_store.choices.set_priority(record.id, 7)
    desk_store.records.delete(record.id)
    add(desk_store, "new")

    expect(row(page, "new")).to_be_visible()
    expect(row(page, "call 2")).to_contain_text("priority +7")
    assert selected(page) == ["call 2"]
    assert focused(page) == "call 2"


def test_a_menu_of_one_call_changes_that_call(desk: DeskServer, page: Page, desk_store: Store):
    first, second = add(desk_store, "first"), add(desk_store, "second")
    open_queue(page, desk)

    row(page, "second").get_by_role("button", name="Actions for second").click()
    page.get_by_role("menuitem", name="First in the queue").click()
    expect(row(page, "second")).to_contain_text("priority +1")
    assert [record.id for record in desk_store.records.due(2)] == [second, first]
    expect(row(page, "second").get_by_role("button")).to_be_focused()

    page.keyboard.press("Escape")
    page.keyboard.press("e")
    page.get_by_label("Candidate").fill("Ms. Weber")
    page.get_by_role("button", name="Save").click()
    expect(row(page, "second")).to_contain_text("Ms. Weber")
    assert desk_store.records.get(second).candidate_id == "Ms. Weber"


def test_a_call_is_transcribed_again_with_other_settings(desk: DeskServer, page: Page, desk_store: Store):
    record_id = completed(desk_store, "done", "Good morning.")
    open_queue(page, desk)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+R")
    page.get_by_label("Language spoken").select_option("de")
    page.get_by_role("button", name="Transcribe", exact=True).click()

    expect(row(page, "done")).to_contain_text("Waiting")
    assert desk_store.records.get(record_id).options == {"language": "de"}


# Filter and order


def test_calls_are_narrowed_by_state_and_words_and_sorted(desk: DeskServer, page: Page, desk_store: Store):
    for number in range(3):
        add(desk_store, f"interview {number}", candidate_id=f"C-{9 - number}")
    desk_store.records.cancel(add(desk_store, "interview 9"))
    add(desk_store, "talk")
    open_queue(page, desk)

    page.keyboard.press("/")
    page.keyboard.type("interview")
    is_shown(page, [f"interview {number}" for number in (9, 2, 1, 0)])
    page.get_by_role("button", name="Waiting 3").click()
    is_shown(page, [f"interview {number}" for number in (2, 1, 0)])
    page.get_by_role("button", name="Candidate").click()
    is_shown(page, [f"interview {number}" for number in (2, 1, 0)])
    page.get_by_role("button", name="Candidate").click()
    is_shown(page, [f"interview {number}" for number in (0, 1, 2)])

    page.reload()
    is_shown(page, [f"interview {number}" for number in (0, 1, 2)])
    desk_store.records.cancel(1 + desk_store.records.oldest_waiting().id)  # type: ignore[union-attr]
    is_shown(page, ["interview 0", "interview 2"])

    page.get_by_label("Search the calls").fill("nobody")
    page.get_by_role("button", name="Show all calls").click()
    expect(page.locator(".calls .call-title")).to_have_count(5)


def test_ten_thousand_calls_are_scrolled_searched_and_selected(
    desk: DeskServer, page: Page, desk_store: Store
):
    rows = [
        {"session_id": f"s{n}", "source": "added", "title": f"call {n}", "recording_path": f"/calls/{n}.wav"}
        | {"transcription_status": "completed", "created_at": 1.7e9 + n}
        for n in range(MANY)
    ]
    with desk_store.transaction():
        for start in range(0, MANY, 500):
            tables.Record.insert_many(rows[start : start + 500]).execute()
    open_queue(page, desk)
    is_first = re.compile("call 9999")
    expect(page.locator(".calls .call-title").first).to_have_text(is_first)
    assert page.locator(".calls .call").count() < 100

    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    expect(row(page, "call 0")).to_be_in_viewport()
    assert focused(page) == "call 0"
    page.keyboard.press("/")
    page.keyboard.type("call 77")
    expect(page.locator(".calls .call-title").first).to_have_text("call 9977")
    page.get_by_label("Search the calls").fill("")
    expect(page.locator(".calls .call-title").first).to_have_text(is_first)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("a")
    expect(page.get_by_role("toolbar")).to_contain_text("10,000 calls selected")


# The desk


def test_a_pause_is_seen_whoever_makes_it(desk: DeskServer, page: Page, desk_store: Store):
    add(desk_store, "waits")
    open_queue(page, desk)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused", exact=True)).to_be_visible()
    assert desk_store.controls.paused()
    desk_store.controls.set_paused(False)
    expect(page.get_by_text("Paused", exact=True)).to_be_hidden()


def test_a_desk_without_workers_says_what_to_type(desk: DeskServer, page: Page):
    open_queue(page, desk)
    expect(page.get_by_text("No transcription worker runs, so nothing is transcribed.")).to_be_visible()
    expect(page.locator("#notices code").first).to_have_text("python start.py")


def test_an_empty_desk_tells_a_newcomer_what_to_do_first(desk: DeskServer, page: Page, desk_store: Store):
    open_queue(page, desk)
    expect(page.get_by_role("heading", name="No calls yet")).to_be_visible()
    expect(page.get_by_text(str(desk.stage.home / "inbox"))).to_be_visible()
    page.get_by_role("button", name="Transcribe the sample call").click()
    expect(row(page, "Sample call")).to_contain_text("Waiting")
    expect(page.get_by_role("heading", name="No calls yet")).to_be_hidden()


@pytest.mark.parametrize(
    "title", ["<img src=x onerror=alert(1)>", "</script><b>", "{{ 7 * 7 }}", "\u202egpj.exe"]
)
def test_a_title_is_text_and_never_markup(desk: DeskServer, page: Page, desk_store: Store, title: str):
    record_id = add(desk_store, title, candidate_id=title)
    open_queue(page, desk)
    expect(page.locator(".call-title")).to_have_text(title)
    desk_store.records.revise(record_id, {}, project_id=title)
    expect(page.locator(".call-about")).to_have_text(f"{title} · {title}")
    assert page.locator(".call img, .call b").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_full_page_has_no_violation_of_accessibility(
    desk: DeskServer, page: Page, desk_store: Store, scheme: Any
):
    page.emulate_media(color_scheme=scheme)
    completed(desk_store, "done", "Good morning.")
    failed(desk_store, "broken")
    claimed(desk_store, "running")
    add(desk_store, "waits")
    open_queue(page, desk)
    page.keyboard.press("a")
    assert violations(page) == []
    row(page, "broken").get_by_role("button").click()
    page.get_by_role("menu").wait_for()
    assert violations(page) == []
    for width in (1200, 320):
        page.set_viewport_size({"width": width, "height": 700})
        until(lambda: page.evaluate(FITS), f"all is within {width} px")
