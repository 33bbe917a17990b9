"""The page of a call that is being recorded: its text as it comes, its sound so far, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from shared.store.live import LiveWord
from shared.store.store import Store
from shared.store.transcripts import Window
from tests.desk import DeskServer
from tests.integration.desk.test_accessibility import violations
from tests.running_calls import RunningCall, running_call
from tests.waiting import until

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def call(desk: DeskServer, desk_store: Store) -> Iterator[RunningCall]:
    """A call that runs for three seconds, and that a worker follows."""
    with running_call(desk.stage.home, desk_store, candidate_id=f"Joe {EVIL}") as call:
        call.record(3)
        call.follow()
        yield call


@pytest.fixture
def shown(call: RunningCall, page: Page, desk: DeskServer) -> Page:
    """Its page."""
    page.goto(f"{desk.url}/calls/{call.session_id}")
    return page


def passages(page: Page) -> Locator:
    return page.locator("#live-final .live-passage")


def player(page: Page) -> list[Any]:
    """Where the player is, how much it has, and what is wrong."""
    return list(page.locator("#sound").evaluate("it => [it.currentTime, it.duration, it.error]"))


def test_final_words_stay_and_provisional_ones_are_marked_and_replaced(shown: Page, call: RunningCall):
    call.guess("good mourning")
    expect(shown.locator("#live-provisional")).to_have_text(re.compile("Not final yet:.*good mourning", re.S))
    call.say("Good morning.")
    call.guess("how are")
    expect(passages(shown)).to_have_text(re.compile("Me.*0:00.*Good morning.", re.S))
    expect(shown.locator("#live-provisional .text")).to_have_text("how are")
    assert shown.locator("#live-said").inner_text() == "Me Good morning."
    call.say(f"{EVIL} I am", "them", pause=0.5)
    expect(passages(shown).nth(1)).to_contain_text(f"Joe {EVIL}")
    expect(passages(shown).nth(1).locator(".text")).to_have_text(f"{EVIL} I am")
    expect(shown.locator("#live-provisional")).to_be_hidden()
    call.say("fine, thanks.", "them")
    expect(passages(shown).nth(1).locator(".text")).to_have_text(f"{EVIL} I am fine, thanks.")


def test_a_candidate_who_is_named_meanwhile_is_shown(shown: Page, call: RunningCall, desk_store: Store):
    call.say("Hello?", "them")
    expect(passages(shown)).to_contain_text("Joe")
    desk_store.captures.attach(call.session_id, "Ms. Okafor", None)
    expect(passages(shown)).to_contain_text("Ms. Okafor")


def test_words_say_how_the_text_comes(shown: Page, call: RunningCall):
    says = shown.locator("#live-says")
    expect(says).to_have_text("Text follows the call by about 3 seconds.")
    call.guess("hello", behind_seconds=12.0)
    expect(says).to_have_text("12 s behind. The rest is transcribed after the call.")
    call.guess("hello", behind_seconds=14.0, yields="battery_low")
    expect(says).to_have_text("Text waits: the battery is low. 14 s behind.")
    expect(shown.locator("#live-said")).to_have_text("Text waits: the battery is low. 14 s behind.")
    assert call.decoder
    call.decoder.switch_off("The engine failed 3 times.")
    expect(says).to_have_text(
        "Live text is off. The engine failed 3 times. The call is transcribed after it has ended."
    )


def test_a_click_plays_from_a_word_and_the_player_takes_what_came_since(shown: Page, call: RunningCall):
    call.say("one two")
    expect(passages(shown)).to_have_count(1)
    call.record(60)
    expect(shown.locator("#sound")).to_have_attribute("src", re.compile(r"until_ms=\d+"))
    call.say("three four", pause=50)
    passages(shown).nth(1).locator("a").click()
    until(lambda: 52 < player(shown)[0] < 60, "it plays from there")
    assert player(shown)[1:] == [63, None]
    shown.keyboard.press("k")
    until(lambda: shown.locator("#sound").evaluate("it => it.paused"), "a key pauses it")
    text = passages(shown).nth(0).locator(".text")
    text.click(position={"x": 4, "y": 10})
    until(lambda: player(shown)[0] < 10, "it plays from the word")


def test_a_reader_who_scrolls_back_stays_there_and_a_button_leads_to_the_end(shown: Page, call: RunningCall):
    for number in range(30):
        call.say(f"This is what is said at number {number}.", ("me", "them")[number % 2])
    expect(passages(shown)).to_have_count(30)
    expect(passages(shown).nth(29)).to_be_in_viewport()
    box = shown.locator("#live-scroll")
    box.focus()
    shown.keyboard.press("Home")
    until(lambda: box.evaluate("it => it.scrollTop") == 0, "it has scrolled")
    expect(shown.get_by_role("button", name="To the end of the text")).to_be_visible()
    call.say("One more.")
    expect(passages(shown)).to_have_count(31)
    assert box.evaluate("it => it.scrollTop") == 0
    shown.get_by_role("button", name="To the end of the text").click()
    expect(passages(shown).nth(30)).to_be_in_viewport()
    call.say("And another.", "them")
    expect(passages(shown).nth(31)).to_be_in_viewport()


def test_a_restart_of_the_server_loses_no_word_and_doubles_none(
    shown: Page, call: RunningCall, desk: DeskServer, faults: list[str]
):
    call.say("Before the restart.")
    expect(passages(shown)).to_have_count(1)
    desk.stop()
    call.say("Meanwhile.", "them")
    desk.start()
    call.say("After the restart.")
    expect(passages(shown).locator(".text")).to_have_text(
        ["Before the restart.", "Meanwhile.", "After the restart."]
    )
    faults[:] = [it for it in faults if "ERR_CONNECTION_REFUSED" not in it and "CHUNKED" not in it]


def test_words_that_another_recipe_takes_back_go(shown: Page, call: RunningCall, desk_store: Store):
    call.say("With the old model.")
    expect(passages(shown)).to_have_count(1)
    assert call.decoder
    desk_store.live.release(call.decoder.claim)
    claim = desk_store.live.claim(
        call.session_id, worker_id=call.worker.worker_id, recipe="other", model="base", lease_seconds=60
    )
    assert claim
    call.decoder.claim = claim
    call.say("With the new one.")
    expect(passages(shown).locator(".text")).to_have_text(["With the new one."])


def test_a_call_that_has_ended_leads_to_its_record_at_the_same_place(
    shown: Page, call: RunningCall, desk: DeskServer
):
    for number in range(40):
        call.say(f"Said at number {number}.", ("me", "them")[number % 2])
    expect(passages(shown)).to_have_count(40)
    shown.locator("#live-scroll").evaluate("it => it.scrollTo(0, 300)")
    expect(shown.get_by_role("button", name="To the end of the text")).to_be_visible()
    record = call.hang_up()
    expect(shown.locator("#over")).to_contain_text("The call has ended. Its text is being finished.")
    expect(shown.get_by_role("link", name="Open the recording")).to_have_attribute(
        "href", f"/records/{record.id}"
    )
    assert call.decoder
    call.decoder.complete()
    shown.wait_for_url(re.compile(rf"/records/{record.id}#t=[1-9]"))
    shown.goto(f"{desk.url}/calls/{call.session_id}")
    shown.wait_for_url(f"{desk.url}/records/{record.id}")


def test_a_discarded_call_says_so(
    shown: Page, call: RunningCall, desk: DeskServer, desk_store: Store, faults: list[str]
):
    expect(shown.locator("#live-says")).to_contain_text("Text follows")
    desk_store.captures.discard(call.session_id)
    expect(shown.get_by_text("This recording was deleted.")).to_be_visible()
    shown.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when it is looked at again
    expect(shown.get_by_text("This recording was deleted.")).to_be_visible()
    shown.goto(f"{desk.url}/calls/{call.session_id}")
    expect(shown.get_by_role("heading", level=1)).to_have_text("No such call")
    faults.clear()  # of its status


def test_a_call_of_eight_hours_opens_fast_and_earlier_text_comes_on_demand(
    call: RunningCall, page: Page, desk: DeskServer, desk_store: Store
):
    assert call.decoder
    windows, words = [], []
    for start in range(0, 8 * 3600, 12):
        speaker = ("me", "them")[start // 12 % 2]
        times = [1000 * start + 350 * place for place in range(34)]
        words.append([LiveWord(ms, ms + 350, f" word{ms}", speaker, is_final=True) for ms in times])
        windows.append(Window(start, start + 12, start, ()))
    desk_store.live.save_windows(
        call.decoder.claim, windows, words, final_seconds=28_800, heard_seconds=28_800
    )
    assert sum(map(len, words)) > 80_000
    page.goto(f"{desk.url}/calls/{call.session_id}")
    expect(passages(page).last).to_be_in_viewport()
    opened = page.evaluate("performance.now()")
    assert opened < 3000
    few = passages(page).count()
    assert few < 60
    first = passages(page).first
    was = first.locator(".text").inner_text()
    page.locator("#live-scroll").evaluate("it => it.scrollTo(0, 0)")
    expect(passages(page)).to_have_count(2 * few)
    expect(page.get_by_text(was)).to_be_in_viewport()  # the reader stays where he was


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_and_fits_a_narrow_screen(
    call: RunningCall, page: Page, desk: DeskServer, scheme: Any
):
    call.say("Good morning.")
    call.say("Good morning to you, and thank you for the call.", "them")
    call.guess("provisional text that goes on for a while")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{desk.url}/calls/{call.session_id}")
    expect(page.locator("#live-provisional")).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_the_page_of_calls_leads_to_the_running_one(
    call: RunningCall, page: Page, desk: DeskServer, desk_store: Store
):
    desk_store.records.add(source="inbox", title="Later", recording_path="/later.wav")
    page.goto(desk.url)
    expect(page.locator("#running")).to_have_text(
        "With Joe is being recorded. 1 call waits for the end of this one."
    )
    page.locator("#running").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("With Joe")


def test_words_of_the_other_channel_stand_where_they_were_said(shown: Page, call: RunningCall):
    assert call.decoder
    call.decoder.settle(0, 2, (" Can", "me"), (" you", "me"), (" hear", "me"), (" me?", "me"))
    call.decoder.settle(6, 8, (" Good.", "me"))
    expect(passages(shown)).to_have_count(2)
    call.decoder.settle(3, 5, (" Yes,", "them"), (" well.", "them"))
    expect(passages(shown).locator(".text")).to_have_text(["Can you hear me?", "Yes, well.", "Good."])
    call.decoder.settle(1, 2, (" Hello?", "them"))
    texts = ["Can you hear", "Hello?", "me?", "Yes, well.", "Good."]
    expect(passages(shown).locator(".text")).to_have_text(texts)
