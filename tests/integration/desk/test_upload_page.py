"""Recordings that are dropped on a page: a real browser, a real server, real workers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect

from shared.store.store import Store
from tests.desk import DeskServer
from tests.integration.desk.test_accessibility import violations
from tests.integration.inbox.files import recording
from tests.voices import Call, word_error_rate, write_wav
from tests.waiting import until

#: So that an upload lasts long enough to be interrupted, in bytes per second.
SLOW = 1_500_000


@pytest.fixture
def here(desk: DeskServer, page: Page) -> Page:
    page.goto(desk.url)
    page.get_by_role("button", name="Add recordings").wait_for()
    return page


def files(folder: Path, *names: str, seconds: float = 0.2) -> list[Path]:
    """Recordings, each with another content."""
    made = []
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(recording(abs(hash((name, str(folder)))) % 2**32, seconds=seconds))
        made.append(path)
    return made


def drop(page: Page, *paths: Path) -> None:
    """Drop files as a file manager does."""
    session = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 200, "data": data})
    session.detach()


def slowed(page: Page) -> CDPSession:
    """Let a page send slowly, until the session is detached."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": SLOW}
    session.send("Network.emulateNetworkConditions", limits)
    return session


def row(page: Page, name: str):  # type: ignore[no-untyped-def]
    return (
        page.get_by_role("region", name="Recordings being sent").get_by_role("listitem").filter(has_text=name)
    )


def titles(store: Store) -> set[str]:
    return {record.title for record in store.records.newest(100)}


def arrived(desk: DeskServer) -> int:
    """How many bytes of unfinished uploads are on the disk."""
    return sum(path.stat().st_size for path in (desk.stage.home / "uploads").iterdir() if path.is_file())


def test_a_dropped_recording_becomes_a_transcript(
    desk: DeskServer, here: Page, desk_store: Store, short_call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "With Ada.wav"
    write_wav(path, short_call.samples)
    with desk.stage.process("transcribe_worker"):
        drop(here, path)
        here.get_by_role("link", name="Open With Ada.wav").click()
        expect(here.get_by_role("heading", level=1)).to_contain_text("With Ada")
        until(lambda: desk_store.records.newest(1)[0].completed_at, "it is transcribed", 60)
        until(
            lambda: word_error_rate(short_call.words, here.locator("main").inner_text()) < 1.0,
            "the words appear",
        )
        expect(here.locator("main")).to_contain_text(short_call.words.split()[3], timeout=30_000)


def test_many_recordings_and_a_folder_are_sent_at_once(here: Page, desk_store: Store, tmp_path: Path) -> None:
    paths = files(tmp_path, "one.wav", "two.wav", "folder/three.wav", "folder/inner/four.wav")
    (tmp_path / "folder" / ".hidden.wav").write_bytes(b"x")
    drop(here, *paths[:2], tmp_path / "folder")
    until(lambda: {"one", "two", "three", "four"} <= titles(desk_store), "all are records")
    for path in paths:
        expect(row(here, path.name)).to_contain_text("In the queue")
    here.get_by_role("button", name="Clear").click()
    expect(here.get_by_role("region", name="Recordings being sent")).to_be_hidden()


def test_recordings_are_chosen_in_a_dialog_too(here: Page, desk_store: Store, tmp_path: Path) -> None:
    (path,) = files(tmp_path, "chosen.wav")
    with here.expect_file_chooser() as chooser:
        here.get_by_role("button", name="Add recordings").click()
    chooser.value.set_files(path)
    until(lambda: "chosen" in titles(desk_store), "it is a record")


def test_files_that_are_no_recordings_are_named(here: Page, tmp_path: Path, faults: list[str]) -> None:
    for name in ("notes.txt", "photo.jpg"):
        (tmp_path / name).write_text("x")
    drop(here, tmp_path / "notes.txt", tmp_path / "photo.jpg")
    expect(here.locator("#toasts")).to_contain_text("notes.txt, photo.jpg: not a recording")
    (empty := tmp_path / "empty.wav").touch()
    drop(here, empty)
    expect(row(here, "empty.wav")).to_contain_text("0 bytes")
    assert [fault for fault in faults if "422" not in fault] == []
    faults.clear()


def test_known_content_is_told(here: Page, desk_store: Store, tmp_path: Path) -> None:
    (path,) = files(tmp_path, "known.wav")
    drop(here, path)
    expect(row(here, "known.wav")).to_contain_text("In the queue")
    again = path.rename(tmp_path / "other name.wav")
    drop(here, again)
    expect(row(here, "other name.wav")).to_contain_text("Known already")
    assert "other name" not in titles(desk_store)


def test_an_overlay_says_where_to_drop(here: Page, tmp_path: Path) -> None:
    (path,) = files(tmp_path, "x.wav")
    session = here.context.new_cdp_session(here)
    data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
    session.send("Input.dispatchDragEvent", {"type": "dragEnter", "x": 9, "y": 9, "data": data})
    expect(here.get_by_text("Drop recordings here to transcribe them")).to_be_visible()
    here.evaluate("window.dispatchEvent(new DragEvent('dragleave'))")  # out of the window
    expect(here.get_by_text("Drop recordings here to transcribe them")).to_be_hidden()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A recording that takes some seconds to send when a page is slowed down."""
    (path,) = files(tmp_path, "large.wav", seconds=150.0)
    return path


@pytest.fixture
def slow_page(here: Page, desk: DeskServer) -> Iterator[Page]:
    session = slowed(here)
    yield here
    session.detach()


def test_an_upload_is_paused_goes_on_and_is_cancelled(
    desk: DeskServer, slow_page: Page, desk_store: Store, large: Path, faults: list[str]
) -> None:
    drop(slow_page, large)
    until(lambda: arrived(desk) > 0, "the first bytes arrive")
    expect(row(slow_page, "large.wav")).to_contain_text("/s")
    row(slow_page, "large.wav").get_by_role("button", name="Pause").click()
    expect(row(slow_page, "large.wav")).to_contain_text("Paused")
    assert violations(slow_page) == []
    row(slow_page, "large.wav").get_by_role("button", name="Go on").click()
    expect(row(slow_page, "large.wav")).to_contain_text("left")
    row(slow_page, "large.wav").get_by_role("button", name="Cancel").click()
    expect(row(slow_page, "large.wav")).to_have_count(0)
    until(lambda: not desk_store.uploads.every(), "the server has forgotten it")
    assert [it for it in (desk.stage.home / "uploads").iterdir() if it.is_file()] == []
    expect(slow_page.get_by_role("button", name="Add recordings")).to_be_focused()
    faults[:] = [it for it in faults if "423" not in it]  # the request that was aborted still ends


def test_an_upload_goes_on_by_itself_after_the_server_was_killed(
    desk: DeskServer, slow_page: Page, desk_store: Store, large: Path, faults: list[str]
) -> None:
    drop(slow_page, large)
    until(lambda: arrived(desk) > 1_000_000, "some of it arrives")
    desk.kill()
    kept = arrived(desk)
    expect(row(slow_page, "large.wav")).to_contain_text("goes on by itself")
    desk.start()
    until(lambda: "large" in titles(desk_store), "it is a record", 60)
    expect(row(slow_page, "large.wav")).to_contain_text("In the queue")
    faults.clear()  # requests that did not reach the server
    sent = [record for record in desk_store.records.newest(9) if record.title == "large"]
    assert Path(sent[0].recording_path).read_bytes() == large.read_bytes()
    assert kept > 1_000_000


def test_an_interrupted_upload_goes_on_when_the_file_is_dropped_again(
    desk: DeskServer, slow_page: Page, desk_store: Store, tmp_path: Path
) -> None:
    (path,) = files(tmp_path, "again.wav", seconds=150.0)
    drop(slow_page, path)
    until(lambda: arrived(desk) > 1_000_000, "some of it arrives")
    slow_page.on("dialog", lambda dialog: dialog.accept())  # "Leave the page?"
    slow_page.reload()
    expect(row(slow_page, "again.wav")).to_contain_text("Drop the file again to go on")
    (upload,) = desk_store.uploads.every()
    offsets: list[int] = []
    slow_page.on(
        "request",
        lambda it: offsets.append(int(it.headers["upload-offset"])) if it.method == "PATCH" else None,
    )
    drop(slow_page, path)
    until(lambda: "again" in titles(desk_store), "it is a record", 60)
    expect(row(slow_page, "again.wav")).to_contain_text("In the queue")
    assert offsets[0] > 1_000_000
    assert desk_store.records.of_session(upload.id)


def test_progress_is_said_politely(here: Page, tmp_path: Path) -> None:
    (path,) = files(tmp_path, "said.wav")
    drop(here, path)
    said = here.locator("[role=status][aria-live=polite]").filter(has_text="said.wav: In the queue")
    expect(said).to_have_count(1)
