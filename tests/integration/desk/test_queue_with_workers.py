"""The page of the queue while real workers transcribe."""

from __future__ import annotations

import time
from pathlib import Path

from playwright.sync_api import Page, expect

from shared.store.store import Store
from tests.desk import DeskServer
from tests.integration.desk.test_queue_page import open_queue, row
from tests.waiting import until

TRANSCRIBED_MS = 60_000


def test_a_dropped_file_becomes_a_transcript_before_ones_eyes(desk: DeskServer, page: Page, short_wav: Path):
    open_queue(page, desk)
    expect(page.get_by_role("heading", name="No calls yet")).to_be_visible()
    page.evaluate("window.isSameDocument = true")
    seen = page.evaluate_handle(
        """() => {
          const seen = new Set();
          const calls = document.getElementById("calls");
          const look = () => calls.querySelectorAll(".badge").forEach((it) => seen.add(it.textContent));
          new MutationObserver(look).observe(calls, { subtree: true, childList: true });
          return seen;
        }"""
    )
    with desk.stage.process("transcribe_worker"), desk.stage.process("transcribe_worker.inbox"):
        expect(page.locator("#notices")).not_to_contain_text("No transcription worker runs", timeout=30_000)
        desk.stage.drop(short_wav, "dropped.wav")
        expect(row(page, "dropped")).to_contain_text("Completed", timeout=TRANSCRIBED_MS)

    assert {"Waiting", "Transcribing", "Completed"} <= set(page.evaluate("(seen) => [...seen]", seen))
    assert page.evaluate("window.isSameDocument")
    expect(row(page, "dropped")).to_contain_text("0:1")  # its length, a quarter of a minute
    expect(page.locator("#notices")).to_contain_text("No transcription worker runs")


def test_a_killed_worker_is_missed_and_its_call_goes_on_with_another(
    desk: DeskServer, page: Page, short_wav: Path, tmp_path: Path
):
    path = tmp_path / "other.wav"
    path.write_bytes(short_wav.read_bytes() + b"LIST\4\0\0\0junk")  # a content of its own
    open_queue(page, desk)
    with desk.stage.process("transcribe_worker") as worker:
        desk.stage.offhook("add", path)
        expect(row(page, "other")).to_contain_text("Transcribing", timeout=TRANSCRIBED_MS)
        worker.kill()
        expect(page.locator("#notices")).to_contain_text("No transcription worker runs")
    with desk.stage.process("transcribe_worker"):
        expect(row(page, "other")).to_contain_text("Completed", timeout=TRANSCRIBED_MS)


def test_a_worker_carries_out_the_deletion_of_a_killed_server(
    desk: DeskServer, page: Page, desk_store: Store, faults: list[str]
):
    record_id = desk_store.records.add(source="added", title="doomed", recording_path="/doomed.wav").id
    open_queue(page, desk)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    until(lambda: desk_store.deletions.due_at([record_id]), "the deletion is stored")
    desk.kill()
    desk_store.deletions.remove([record_id])
    desk_store.deletions.add(record_id, due_at=time.time())  # as if its time had come
    with desk.stage.process("transcribe_worker"):
        until(lambda: desk_store.records.find(record_id) is None, "the recording is deleted")
    desk.start()

    open_queue(page, desk)
    expect(row(page, "doomed")).to_have_count(0)
    faults.clear()  # connections that were refused meanwhile
