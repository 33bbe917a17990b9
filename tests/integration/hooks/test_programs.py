"""Programs that are notified: what they get, how they end, and what is left of them."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from offhook.hooks.deliverer import Deliverer
from offhook.hooks.outcome import WAITS_SECONDS
from offhook.hooks.program import KEPT_CHARACTERS
from offhook.hooks.sender import Sender
from shared.settings import Settings
from shared.store.deliveries import DELIVERED, EVENTS, FAILED, WAITING
from shared.store.hooks import PROGRAM
from shared.store.store import Store
from shared.store.values import Delivery, Hook
from tests.integration.hooks.conftest import Finish
from tests.integration.records.operations import Clock
from tests.waiting import until

PATIENCE_SECONDS = 20.0
Deliver = Callable[..., None]

TELLS = """
import json, os, sys
told = {"arguments": sys.argv[1:], "body": json.load(sys.stdin)}
told |= {"folder": os.getcwd(), "environment": dict(os.environ)}
open(sys.argv[1], "w").write(json.dumps(told))
"""
FAILS = """
import sys
sys.stderr.write("x" * 5000 + " the disk is full")
sys.exit(3)
"""
HANGS = """
import os, sys, time
open(sys.argv[1], "w").write(str(os.getpid()))
time.sleep(600)
"""
FORKS = """
import subprocess, sys, time
child = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", child, sys.argv[1]])
while not __import__("pathlib").Path(sys.argv[1]).is_file(): time.sleep(0.01)
if len(sys.argv) > 2: time.sleep(600)
"""
FLOODS = """
import sys
for _ in range(3000): sys.stderr.write("y" * 10_000)
sys.stderr.write("the end")
sys.exit(1)
"""


@pytest.fixture
def deliver(store: Store, settings: Settings, clock: Clock) -> Deliver:
    """Deliver all that is due."""

    def deliver(**options: object) -> None:
        Deliverer(store, settings, Sender(settings, **options), clock=clock).run_due()  # type: ignore[arg-type]

    return deliver


def hook_for(store: Store, code: str, *arguments: str | Path) -> Hook:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return store.hooks.add(PROGRAM, json.dumps(command), "", tuple(EVENTS.values()))


def last(store: Store, hook: Hook) -> Delivery:
    return store.deliveries.newest(hook.id, 1)[0]


def is_gone(pid: int) -> bool:
    """Whether a process has ended, soon."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def number_in(path: Path) -> int:
    until(lambda: path.is_file() and path.read_text(), f"a number is in {path}")
    return int(path.read_text())


def test_a_program_gets_the_message_on_its_standard_input_and_no_secrets_of_the_environment(
    store: Store,
    finish: Finish,
    deliver: Deliver,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    told = tmp_path / "told.json"
    title = "$(reboot); `reboot` | reboot & 'reboot' \" \n"
    hook = hook_for(store, TELLS, told, "a b", "$HOME", "*")
    record = finish(title=title)
    deliver()

    found = json.loads(told.read_text())
    assert found["arguments"] == [str(told), "a b", "$HOME", "*"]
    assert (found["body"]["type"], found["body"]["data"]["id"]) == ("record.completed", record.id)
    assert found["body"]["data"]["title"] == title
    assert Path(found["folder"]) == settings.home
    assert "AWS_SECRET_ACCESS_KEY" not in found["environment"]
    assert found["environment"]["PATH"] == os.environ["PATH"]
    assert found["environment"]["WEBHOOK_ID"] == last(store, hook).message_id
    assert (last(store, hook).state, last(store, hook).last_status) == (DELIVERED, 0)


def test_a_program_that_fails_is_tried_three_times_more_and_the_end_of_its_stderr_is_kept(
    store: Store, finish: Finish, deliver: Deliver, clock: Clock
):
    hook = hook_for(store, FAILS)
    finish()
    for wait in WAITS_SECONDS[PROGRAM]:
        deliver()
        assert last(store, hook).state == WAITING
        clock.now += 1.2 * wait
    deliver()

    found = last(store, hook)
    assert (found.state, found.attempts, found.last_status) == (FAILED, 4, 3)
    assert (found.last_error or "").startswith("It ended with exit code 3. xxx")
    assert (found.last_error or "").endswith("x the disk is full")
    assert len(found.last_error or "") < KEPT_CHARACTERS + 50


def test_a_program_that_hangs_is_ended(store: Store, finish: Finish, deliver: Deliver, tmp_path: Path):
    hook = hook_for(store, HANGS, tmp_path / "pid")
    finish()
    deliver(program_seconds=1.0)

    assert is_gone(number_in(tmp_path / "pid"))
    assert (last(store, hook).state, last(store, hook).last_error) == (WAITING, "It was ended after 1 s.")


@pytest.mark.parametrize("hangs", [True, False], ids=["with a parent that hangs", "that outlives its parent"])
def test_what_a_program_has_started_is_ended_with_it(
    store: Store, finish: Finish, deliver: Deliver, tmp_path: Path, hangs: bool
):
    hook = hook_for(store, FORKS, tmp_path / "pid", *(["hang"] if hangs else []))
    finish()
    deliver(program_seconds=3.0)

    assert is_gone(number_in(tmp_path / "pid"))
    assert last(store, hook).state == (WAITING if hangs else DELIVERED)


def test_a_program_that_floods_stderr_is_not_held_up_and_the_end_is_kept(
    store: Store, finish: Finish, deliver: Deliver
):
    hook = hook_for(store, FLOODS)
    finish()
    deliver()
    assert (last(store, hook).last_error or "").endswith("yythe end")


def test_a_program_that_reads_nothing_is_not_waited_for(store: Store, finish: Finish, deliver: Deliver):
    hook = hook_for(store, "pass")
    finish(title="t" * 500_000)  # more than a pipe holds
    deliver()
    assert last(store, hook).state == DELIVERED


def test_a_program_that_is_gone_is_a_failure(store: Store, finish: Finish, deliver: Deliver, tmp_path: Path):
    hook = store.hooks.add(PROGRAM, json.dumps([str(tmp_path / "gone")]), "", tuple(EVENTS.values()))
    finish()
    deliver()
    assert "cannot be started" in (last(store, hook).last_error or "")


def test_a_program_that_runs_when_offhook_stops_is_ended_and_its_message_sent_again(
    store: Store, finish: Finish, settings: Settings, clock: Clock, tmp_path: Path
):
    hook = hook_for(store, HANGS, tmp_path / "pid")
    finish()
    stopping = threading.Event()
    sender = Sender(settings, stopping)
    running = threading.Thread(target=Deliverer(store, settings, sender, stopping=stopping, clock=clock).run)
    running.start()
    try:
        pid = number_in(tmp_path / "pid")
    finally:
        stopping.set()
        running.join(PATIENCE_SECONDS)

    assert is_gone(pid)
    assert last(store, hook).state == WAITING
    clock.now = last(store, hook).next_attempt_at
    assert store.deliveries.hooks_due() == [hook.id]
