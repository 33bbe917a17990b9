"""The recorder in the browser: a real capture worker, a real sound server, a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from subprocess import Popen

import httpx
import msgspec
import pytest
from playwright.sync_api import Page, expect

from offhook.web.api.recorder_answers import Devices, Recorder
from shared.settings import Settings
from shared.store.store import Store
from shared.workers import Presence
from tests import pulse
from tests.conftest import skip_or_fail
from tests.desk import DeskServer, serving
from tests.integration.desk.test_accessibility import violations
from tests.live_calls import Decoder
from tests.pulse import PulseServer, noise
from tests.stage import Stage
from tests.voices import NEAR, speak
from tests.waiting import until

MICROPHONE = next(module for module in pulse.MODULES if "virtmic" in module)
REMINDER = "Say that the call is recorded."


@dataclass
class CaptureWorker:
    """The capture worker of the home, started and killed as a test wants."""

    stage: Stage
    _stack: ExitStack = field(default_factory=ExitStack)
    _worker: Popen[str] | None = None

    def start(self, **settings: str) -> None:
        self.stop()
        (self.stage.home / "control.json").unlink(missing_ok=True)
        given = {f"OFFHOOK_{name.upper()}": value for name, value in settings.items()}
        stage = replace(self.stage, settings=(*self.stage.settings, *given.items()))
        self._worker = self._stack.enter_context(stage.process("capture_worker"))
        until((self.stage.home / "control.json").exists, "the capture worker listens")

    def kill(self) -> None:
        assert self._worker
        self._worker.kill()
        self._worker.wait()

    def stop(self) -> None:
        self._stack.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulseServer]:
    """A sound server without hardware."""
    if why := pulse.missing():
        skip_or_fail(why)
    with PulseServer(tmp_path_factory.mktemp("sound") / "pulse") as server:
        yield server


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, sound: PulseServer) -> Iterator[DeskServer]:
    """The desk's server on a machine with sound."""
    settings = (*sound.environment.items(), ("OFFHOOK_CONSENT_REMINDER", REMINDER))
    with serving(Stage(tmp_path_factory.mktemp("recorder") / "home", settings)) as server:
        yield server


@pytest.fixture(scope="module")
def worker(desk: DeskServer) -> Iterator[CaptureWorker]:
    """The capture worker that most tests share."""
    worker = CaptureWorker(desk.stage)
    worker.start()
    yield worker
    worker.stop()


@pytest.fixture
def recorder(page: Page, desk: DeskServer, worker: CaptureWorker, sound: PulseServer) -> Iterator[Page]:
    """The page of the recorder, with nothing being recorded."""
    page.goto(f"{desk.url}/recorder")
    expect(page.get_by_role("button", name="Start recording")).to_be_enabled()
    expect(page.locator("#microphone option")).to_have_count(4)  # the devices have been asked for
    yield page
    sound.silence()
    if desk.stage.read("record", "state")["state"] != "idle":
        desk.stage.offhook("record", "discard", "--yes")


def start(page: Page, title: str) -> None:
    page.get_by_label("Title").fill(title)
    page.get_by_role("button", name="Start recording").dblclick()  # out of habit; it starts once
    expect(page.get_by_text(f"Recording “{title}”.")).to_be_visible()


def level(page: Page, side: str) -> int:
    """What a meter says, dBFS."""
    return int(page.locator(f"#meter-{side}").get_attribute("aria-valuenow") or 0)


def is_marked(page: Page) -> bool:
    """Whether title and icon say that a recording runs."""
    title, icon = page.evaluate("[document.title, document.getElementById('favicon').href]")
    marks = {title.startswith("● "), "recording.svg" in icon}
    assert len(marks) == 1
    return marks.pop()


def test_a_call_is_recorded_with_both_meters_moving_and_becomes_a_record(
    recorder: Page, sound: PulseServer, client: httpx.Client
) -> None:
    page, title = recorder, "Ms. <b>Okafor</b>"
    page.get_by_label("Candidate", exact=True).fill("C-17")
    start(page, title)
    until(lambda: is_marked(page), "title and icon are marked")
    expect(page.get_by_text(REMINDER)).to_be_visible()
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text(REMINDER)).to_be_hidden()
    sound.play("mic", speak(NEAR).samples)
    sound.play("call", noise(20))
    assert violations(page) == []
    until(lambda: level(page, "microphone") > -40 and level(page, "loopback") > -40, "both meters move")
    expect(page.get_by_role("timer")).to_have_text(re.compile("0:0[2-9]"))
    expect(page.locator("#recording-sign")).to_contain_text(re.compile("0:0[2-9]"))
    page.get_by_role("button", name="Stop", exact=True).click()
    address = page.get_by_role("link", name="Open the recording").get_attribute("href")
    until(lambda: not is_marked(page), "title and icon are as usual")
    found = msgspec.convert(client.get("/api/v1/recorder").json(), Recorder)
    assert found.last
    assert (found.last.title, f"/records/{found.last.record_id}") == (title, address)
    there = msgspec.convert(client.get("/api/v1/recorder/devices").json(), Devices)
    assert {device.side for device in there.devices} == {"microphone", "loopback"}
    file = {"microphone": "replay:/etc/passwd"}
    assert client.post("/api/v1/recorder/start", json=file).status_code == 400
    page.reload()
    assert "C-17" in page.locator("#known-candidate_id").inner_html()


def test_a_recording_started_elsewhere_is_seen_and_a_silent_far_side_is_said_in_words(
    recorder: Page, sound: PulseServer, desk: DeskServer
) -> None:
    desk.stage.offhook("record", "start", "--title", "From a terminal")
    expect(recorder.get_by_text("Recording “From a terminal”.")).to_be_visible()
    sound.play("mic", speak(NEAR).samples)
    notice = recorder.get_by_role("listitem").filter(has_text="The other side is silent.")
    expect(notice).to_contain_text("choose the output where it plays", timeout=30_000)
    sound.play("call", noise(3))
    expect(notice).to_have_class(re.compile("is-over"))
    recorder.goto(desk.url)
    until(lambda: is_marked(recorder), "another page is marked, too")
    recorder.get_by_role("button", name="Stop the recording").click()
    expect(recorder.get_by_text("“From a terminal” is in the queue.")).to_be_visible()
    until(lambda: not is_marked(recorder), "it is no longer marked")
    assert desk.stage.read("record", "state")["state"] == "idle"


def test_a_microphone_that_is_unplugged_is_missed_until_it_is_back(
    recorder: Page, sound: PulseServer
) -> None:
    start(recorder, "Unplugged")
    sound.unload("source_name=virtmic")
    notice = recorder.get_by_role("listitem").filter(has_text="The microphone was lost.")
    expect(notice).to_contain_text("Plug it in again.")
    expect(notice).not_to_have_class(re.compile("is-over"))
    expect(recorder.locator("#device-microphone")).to_have_text("no device")
    sound.pactl("load-module", *MICROPHONE.split())
    sound.make_default("source", "virtmic")
    expect(notice).to_have_class(re.compile("is-over"))
    assert recorder.locator("#device-microphone").inner_text() == "Remapped Monitor of Null Output"


def test_a_key_starts_and_stops_only_when_it_is_pressed_twice_and_a_deletion_asks(recorder: Page) -> None:
    page = recorder
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_enabled()
    page.keyboard.press("r")
    expect(page.get_by_text("Press r again to stop the recording.")).to_be_visible()
    expect(page.get_by_role("button", name="Stop", exact=True)).to_be_enabled()
    page.keyboard.press("d")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.keyboard.press("d")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("The recording is deleted.")).to_be_visible()
    start(page, "Another")
    page.get_by_label("Title").evaluate("it => it.blur()")
    page.keyboard.press("r")
    page.keyboard.press("r")
    expect(page.get_by_role("link", name="Open the recording")).to_be_visible()


def test_devices_are_offered_and_what_was_chosen_is_remembered_and_recorded(recorder: Page) -> None:
    page = recorder
    page.get_by_text("Devices and channels").click()
    page.get_by_label("What you hear", exact=True).select_option("Nothing")
    page.get_by_label("Microphone", exact=True).select_option(label="Remapped Monitor of Null Output")
    page.get_by_label("Channels").select_option("split")
    page.reload()
    page.get_by_text("Devices and channels").click()
    expect(page.get_by_label("What you hear", exact=True)).to_have_value("none")
    expect(page.get_by_label("Channels")).to_have_value("split")
    start(page, "One side")
    expect(page.locator("#device-loopback")).to_have_text("no device")
    expect(page.locator("#device-microphone")).to_have_text("Remapped Monitor of Null Output")
    assert page.get_by_label("What you hear", exact=True).is_disabled()
    page.evaluate("localStorage.clear()")


def test_the_text_of_the_call_comes_beside_the_recorder_and_stays_at_its_end(
    recorder: Page, desk: DeskServer
) -> None:
    page = recorder
    start(page, "Heard live")
    session_id = desk.stage.read("record", "state")["session_id"]
    settings = Settings(home=desk.stage.home)
    with Store.of_home(settings) as store:
        presence = Presence(store, settings.locks, "worker").enter()
        decoder = Decoder.of(store, session_id, presence.worker_id)
        expect(page.locator("#live-says")).to_have_text("Text follows the call by about 3 seconds.")
        decoder.settle(0, 1, (" Good", "me"), (" morning.", "me"))
        decoder.guess(1, 2, (" maybe", None))
        expect(page.locator("#live-final .text")).to_have_text("Good morning.")
        expect(page.locator("#live-provisional .text")).to_have_text("maybe")
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)
            assert violations(page) == []
        page.set_viewport_size({"width": 320, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth") == 320
        page.set_viewport_size({"width": 1280, "height": 720})
        address = page.locator("#live-final .time").get_attribute("href")
        assert address == f"/calls/{session_id}#t=0"
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_role("link", name="Open the recording")).to_be_visible()
        expect(page.locator("#live-final .text")).to_have_text("Good morning.")
        decoder.complete()
        expect(page.locator("#live-says")).to_have_text(
            "The call has ended. Its text is on the page of its recording."
        )
        expect(page.locator("#live-provisional")).to_be_hidden()
        presence.leave()


def test_live_text_is_switched_off_for_one_call(recorder: Page) -> None:
    page = recorder
    page.get_by_label("Text while it is recorded").uncheck()
    start(page, "Without text")
    expect(page.locator("#live-says")).to_have_text(re.compile("Live text is switched off.*for this call"))
    expect(page.get_by_label("Text while it is recorded")).to_be_disabled()


def test_a_killed_recorder_is_reported_and_its_call_is_recovered(
    recorder: Page, worker: CaptureWorker, faults: list[str]
) -> None:
    start(recorder, "Cut off")
    expect(recorder.get_by_role("timer")).to_have_text("0:03")
    worker.kill()
    expect(recorder.get_by_text("No capture worker runs. Start one: python start.py")).to_be_visible()
    expect(recorder.get_by_text("was interrupted: its recorder was killed")).to_be_visible()
    expect(recorder.get_by_role("button", name="Start recording")).to_be_disabled()
    worker.start()
    expect(recorder.get_by_role("link", name="Open the recording")).to_be_visible()
    expect(
        recorder.get_by_text("its recorder was killed; what it had heard until then was repaired")
    ).to_be_visible()
    expect(recorder.get_by_role("button", name="Start recording")).to_be_enabled()


def test_calls_that_wait_are_queued_or_deleted_in_the_page(recorder: Page, worker: CaptureWorker) -> None:
    worker.start(finalise="manual")
    for title, button in (("To keep", "Put into the queue"), ("To delete", "Delete…")):
        start(recorder, title)
        recorder.get_by_role("button", name="Stop", exact=True).click()
        waiting = recorder.get_by_role("article").filter(has_text=title)
        expect(waiting).to_contain_text("is stopped and waits for you.")
        expect(recorder.get_by_role("button", name="Start recording")).to_be_disabled()
        waiting.get_by_label("Project").fill("P-3")
        waiting.get_by_role("button", name=button).click()
        if button == "Delete…":
            recorder.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(waiting).to_have_count(0)
    worker.start()
