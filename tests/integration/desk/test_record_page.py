"""The page of a call: reading it, hearing it, finding in it, and what a person says about it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shared.store.store import Store
from shared.store.transcripts import Window
from shared.store.values import Record
from tests.desk import DeskServer, signed_in
from tests.integration.commands.spoken import segments_of
from tests.integration.desk.calls import call, click_word, long_call, marked, opened, text, waiting
from tests.integration.desk.test_accessibility import violations
from tests.waiting import until

MOST_NODES = 2_000


@pytest.fixture
def record(desk: DeskServer, desk_store: Store) -> Record:
    """A call of its own for each test."""
    return call(desk, desk_store)


def at(page: Page) -> str:
    """The time that the player shows."""
    return page.locator(".player-time").inner_text().split("/")[0].strip()


def test_the_text_is_read_with_names_and_times(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    expect(page.get_by_role("heading", level=1)).to_have_text(record.title)
    expect(text(page, 1)).to_have_text("Hello Max, Aida loveless here.")
    first = page.locator(".passage").first
    expect(first.get_by_role("button", name=re.compile("Me"))).to_be_visible()
    expect(first.locator(".time")).to_have_text("0:00")


def test_the_first_text_needs_no_script(desk: DeskServer, browser: Browser, record: Record):
    with signed_in(browser, desk, java_script_enabled=False) as context:
        page = opened(context.new_page(), desk, record)
        expect(text(page, 1)).to_have_text("Hello Max, Aida loveless here.")


def test_a_click_on_a_word_plays_from_it_and_marks_it(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_enabled()
    click_word(page, 1, "loveless")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    until(lambda: marked(page, "spoken") == ["here."], "the next word is marked")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    assert at(page) in ("0:06", "0:07")


def test_a_click_that_ends_a_selection_does_not_jump(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    box = text(page, 2).bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + 120, box["y"] + 12)
    page.mouse.up()
    assert page.evaluate("document.getSelection().toString()")
    assert at(page) == "0:00"


def test_a_link_to_a_moment_goes_there_and_marks_it(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record, "#t=10.9")
    expect(page.locator(".passage.linked .text")).to_have_text("I wrote about the analytical engine.")
    assert marked(page, "linked") == ["about"]
    assert at(page) == "0:10"


def test_a_link_to_a_moment_is_copied(desk: DeskServer, context: BrowserContext, page: Page, record: Record):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, desk, record, "#t=5")
    page.keyboard.press("c")
    expect(page.get_by_text("The link to 0:05 is copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{desk.url}/records/{record.id}#t=5"


def test_the_player_is_led_by_keys(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_enabled()
    page.keyboard.press("l")
    page.keyboard.press("l")
    assert at(page) == "0:10"
    page.keyboard.press("j")
    assert at(page) == "0:05"
    page.keyboard.press("]")
    expect(page.get_by_role("combobox", name="Speed")).to_have_value("1.25")
    page.keyboard.press("[")
    page.keyboard.press("g")
    page.keyboard.type("0:15")
    page.keyboard.press("Enter")
    expect(page.locator(".passage.current .text")).to_have_text("Thank you, Miss loveless.")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Play or pause")


def test_words_are_found_whatever_their_case_and_accents(desk: DeskServer, desk_store: Store, page: Page):
    said = (("me", "Zoë was here."), ("them", "And ZOE again, and zoe."))
    opened(page, desk, call(desk, desk_store, said))
    page.keyboard.press("Control+f")
    page.keyboard.type("zoe")
    expect(page.locator("#find-count")).to_have_text("3")
    assert sorted(marked(page, "found")) == ["ZOE", "Zoë", "zoe"]
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#find-count")).to_have_text("2 of 3")
    assert marked(page, "found-here") == ["ZOE"]


def test_chosen_places_are_replaced_and_that_is_undone(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    page.keyboard.press("h")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Replace", exact=True).fill("loveless")
    dialog.get_by_label("With").fill("Lovelace")
    dialog.get_by_label("With").press("Enter")
    expect(dialog.get_by_text("2 places")).to_be_visible()
    dialog.locator(".replace-places").get_by_role("checkbox").nth(1).uncheck()
    dialog.get_by_role("button", name="Replace", exact=True).click()
    expect(text(page, 1)).to_have_text("Hello Max, Aida Lovelace here.")
    expect(text(page, 3)).to_have_text("Thank you, Miss loveless.")
    page.get_by_role("button", name="Undo").click()
    expect(text(page, 1)).to_have_text("Hello Max, Aida loveless here.")


def test_a_speaker_is_renamed_once_for_all(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    page.locator(".passage").nth(1).locator(".speaker").click()
    dialog = page.get_by_role("dialog")
    field = dialog.get_by_label(re.compile("Another name"))
    field.fill("Ada Lovelace")
    field.press("Enter")
    expect(page.locator(".passage").nth(1).locator(".speaker")).to_contain_text("Ada Lovelace")
    expect(page.locator(".passage").nth(2)).to_contain_text("Ada Lovelace")


def test_a_passage_is_given_to_another_speaker(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record, "#t=10.1")
    expect(page.locator(".passage.current")).to_have_count(1)
    page.keyboard.press("s")
    page.get_by_role("dialog").get_by_role("button", name="2 Me").click()
    expect(page.locator(".passage").nth(2).locator(".speaker")).to_contain_text("Me")


def test_selected_words_are_given_to_another_speaker(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    page.evaluate("""() => {
        const node = document.querySelectorAll(".passage .text")[2].firstChild;
        document.getSelection().setBaseAndExtent(node, 0, node, "I wrote".length);
    }""")
    page.keyboard.press("s")
    dialog = page.get_by_role("dialog", name="Who says the 2 selected words?")
    dialog.get_by_label("Somebody else: a name").fill("Grace")
    dialog.get_by_role("button", name="Give").click()
    expect(page.locator(".passage").nth(2)).to_contain_text("Grace")
    expect(text(page, 2)).to_have_text("I wrote")
    expect(text(page, 3)).to_have_text("about the analytical engine.")


def test_two_speakers_are_exchanged_and_that_is_undone(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    page.click("#open-speakers")
    page.get_by_role("button", name="Exchange the two").click()
    first = page.locator(".passage").first.locator(".speaker")
    expect(first).to_contain_text(record.title)
    page.keyboard.press("u")
    expect(first).to_contain_text("Me")


def test_doubts_are_walked_confirmed_and_corrected(desk: DeskServer, desk_store: Store, page: Page):
    record = long_call(desk, desk_store, 4)
    opened(page, desk, record)
    expect(page.locator("#open-doubts")).to_have_attribute("data-count", "4")
    page.keyboard.press("d")
    card = page.get_by_role("group", name=re.compile("Doubt 1 of 4: word2"))
    expect(card).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name=re.compile("Doubt 1 of 3: word9"))).to_be_focused()
    page.keyboard.type("Nine")
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name=re.compile("Doubt 1 of 2: word16"))).to_be_focused()
    expect(text(page, 1)).to_contain_text("Nine")
    assert marked(page, "corrected") == ["Nine"]  # a confirmed word has no mark
    (correction,) = [it for it in desk_store.overlays.corrections(record.id) if it.text == "Nine"]
    assert correction.first_word == correction.last_word


def test_a_call_is_described_on_its_page(
    desk: DeskServer, desk_store: Store, page: Page, record: Record, faults: list[str]
):
    opened(page, desk, record)
    page.get_by_role("button", name="Edit details").click()
    page.get_by_label("Title").fill("With Ada, <b>second</b> try")
    page.get_by_label("Candidate").fill("C-17")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("With Ada, <b>second</b> try")
    expect(page.locator("#facts")).to_contain_text("Candidate C-17")
    until(lambda: desk_store.records.get(record.id).candidate_id == "C-17", "the candidate is stored")
    page.get_by_role("button", name="Edit details").click()
    page.get_by_label("Title").fill("x" * 501)
    expect(page.get_by_label("Title")).to_have_value("x" * 500)
    page.get_by_label("Title").fill(" ")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("A title needs at least one character.")
    faults.clear()  # the browser notes the refused request


def test_a_note_is_written_at_a_moment(desk: DeskServer, desk_store: Store, page: Page, record: Record):
    opened(page, desk, record, "#t=10")
    expect(page.locator(".passage.current")).to_have_count(1)
    page.keyboard.press("m")
    page.keyboard.type("Ask about the engine")
    page.keyboard.press("Enter")
    expect(page.locator(".passage").nth(2).locator(".note")).to_contain_text("Ask about the engine")
    (note,) = desk_store.notes.of_record(record.id)
    assert (note.at_ms, note.text) == (10_000, "Ask about the engine")


def test_a_long_call_has_few_nodes_and_all_of_it_is_found(desk: DeskServer, desk_store: Store, page: Page):
    record = long_call(desk, desk_store, 3_000)
    opened(page, desk, record)
    expect(page.locator("#open-doubts")).to_have_attribute("data-count", "3,000")
    page.keyboard.press("/")
    page.keyboard.type("word399")
    expect(page.locator("#find-count")).to_have_text(re.compile(r"^\d+$"))
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Escape")
    page.click("#open-doubts")
    assert page.evaluate("document.querySelectorAll('*').length") < MOST_NODES
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.locator(".segment[aria-posinset='3000'] .text").wait_for()
    assert page.evaluate("document.querySelectorAll('*').length") < MOST_NODES


def test_text_appears_while_the_call_is_transcribed(desk: DeskServer, desk_store: Store, page: Page):
    record = waiting(desk, desk_store)
    claim = desk_store.claims.claim(record.id, worker_id="w", model="tiny.en", lease_seconds=60)
    assert claim
    page.goto(f"{desk.url}/records/{record.id}")
    expect(page.get_by_text("The first words appear here in a moment.")).to_be_visible()
    segments, labels = segments_of((("me", "Good morning."), ("them", "Hello Max.")))
    desk_store.claims.save_windows(claim, [Window(0.0, 5.0, 0.0, tuple(segments[:1]))], progress=0.5)
    expect(text(page, 0)).to_have_text("Good morning.")
    desk_store.claims.complete(claim, segments, labels, duration_seconds=10.0, language="en")
    expect(text(page, 1)).to_have_text("Hello Max.")
    expect(page.locator(".passage").first.locator(".speaker")).to_contain_text("Me")


def test_the_text_follows_the_player_until_the_reader_scrolls(
    desk: DeskServer, desk_store: Store, page: Page
):
    opened(page, desk, long_call(desk, desk_store, 300))
    expect(page.locator("#open-doubts")).to_have_attribute("data-count", "300")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    follow = page.get_by_role("button", name="Follow")
    page.mouse.move(500, 300)
    page.mouse.wheel(0, 4000)
    expect(follow).to_be_visible()
    assert page.evaluate("scrollY") > 1000
    follow.click()
    expect(page.locator(".speaking")).to_be_in_viewport()
    expect(follow).to_be_hidden()


def test_a_passage_is_repeated(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record, "#t=5")
    expect(page.locator(".passage.current")).to_have_count(1)
    page.keyboard.press("r")
    page.keyboard.press("p")
    until(lambda: marked(page, "spoken") == ["here."], "the last word of the passage")
    until(lambda: marked(page, "spoken") == ["Hello"], "the first word again")
    page.keyboard.press("r")
    expect(page.get_by_role("button", name=re.compile("Repeat"))).to_have_attribute("aria-pressed", "false")


def test_pauses_are_skipped_if_the_reader_wants_that(desk: DeskServer, page: Page, record: Record):
    opened(page, desk, record)
    page.get_by_label("Skip pauses").check()
    page.keyboard.press("p")  # the next words begin at 5 s, the last ones end at 1.95 s
    played: set[str] = set()
    until(lambda: played.add(at(page)) or "0:05" in played, "the second passage plays")
    assert "0:03" not in played
    page.get_by_label("Skip pauses").uncheck()


def test_all_of_the_text_is_printed(desk: DeskServer, desk_store: Store, page: Page):
    opened(page, desk, long_call(desk, desk_store, 300))
    expect(page.locator("#open-doubts")).to_have_attribute("data-count", "300")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    expect(page.locator("#printed p")).to_have_count(300)
    expect(page.locator("#printed p").last).to_be_visible()
    expect(page.locator("#player")).to_be_hidden()


def test_a_call_that_is_not_there_says_so(desk: DeskServer, page: Page, faults: list[str]):
    for number in ("987654", "none"):
        answer = page.goto(f"{desk.url}/records/{number}")
        assert answer
        assert answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text("No such call")
    faults.clear()


def test_a_long_selection_is_copied_with_what_is_not_on_the_screen(
    desk: DeskServer, desk_store: Store, context: BrowserContext, page: Page
):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened(page, desk, long_call(desk, desk_store, 300))
    expect(page.locator("#open-doubts")).to_have_attribute("data-count", "300")
    text(page, 0).click(position={"x": 2, "y": 8})
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    last = page.locator('.segment[aria-posinset="300"] .text')
    last.wait_for()
    last.click(position={"x": 2, "y": 8}, modifiers=["Shift"])
    page.keyboard.press("Control+c")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.count("\n") == 299


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_of_a_call_has_no_violation(desk: DeskServer, desk_store: Store, page: Page, scheme: Any):
    page.emulate_media(color_scheme=scheme)
    opened(page, desk, long_call(desk, desk_store, 30))
    page.click("#open-doubts")
    page.keyboard.press("d")
    expect(page.locator(".doubt-card")).to_be_visible()
    assert violations(page) == []


def test_the_page_fits_a_phone(desk: DeskServer, page: Page, record: Record):
    page.set_viewport_size({"width": 320, "height": 640})
    opened(page, desk, record)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
