"""The sweeper: real processes that die, clocks that jump, files on their way."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from archive.exports import IN_LIBRARY
from archive.library import Library
from shared.errors import ClaimLost
from shared.files import move
from shared.settings import Settings
from shared.store.claims import Claim, Failure
from shared.store.store import Store
from shared.workers import Liveness, Presence
from tests.tables import Record, Worker, by_clock, windows
from transcribe_worker.jobs.hints import HintQueue
from transcribe_worker.jobs.sweeper import ARCHIVING_SECONDS, EVERY_SECONDS, REST_SECONDS, Sweeper

ROOT = Path(__file__).parents[2]
DAY_SECONDS = 86_400.0

# Claims a recording as a worker does, and falls silent.
HOLDER = """
import sys, time
from pathlib import Path
from shared.store.store import Store
from shared.settings import Settings
from shared.workers import Presence

settings = Settings(home=Path(sys.argv[1]))
store = Store.open(settings.database_file)
presence = Presence(store, settings.locks, "worker").enter()
for record_id in map(int, sys.argv[2:]):
    assert store.claims.claim(record_id, worker_id=presence.worker_id, model="tiny.en", lease_seconds=60)
print(presence.worker_id, flush=True)
time.sleep(60)
"""


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def wall() -> Clock:
    return Clock(time.time())


@pytest.fixture
def monotonic() -> Clock:
    return Clock(5_000.0)


@pytest.fixture
def store(store: Store, wall: Clock) -> Store:
    return by_clock(store, wall)


@pytest.fixture
def hints(settings: Settings) -> Iterator[HintQueue]:
    with closing(HintQueue(settings.queue)) as hints:
        yield hints


@pytest.fixture
def sweeper(
    settings: Settings,
    store: Store,
    hints: HintQueue,
    wall: Clock,
    monotonic: Clock,
) -> Sweeper:
    library = Library(settings, store)
    return Sweeper(settings, store, hints, library, clock=wall, monotonic=monotonic)


@pytest.fixture
def living(store: Store, settings: Settings) -> Iterator[str]:
    """The id of a worker that lives."""
    presence = Presence(store, settings.locks, "worker").enter()
    yield presence.worker_id
    presence.leave()


def queued(store: Store, number: int = 0, priority: int = 0) -> Record:
    path = f"/nowhere/{number}.wav"
    return store.records.add(source="added", title=f"Call {number}", recording_path=path, priority=priority)


def held_by(store: Store, worker_id: str, number: int = 0) -> Claim:
    record = queued(store, number)
    claim = store.claims.claim(record.id, worker_id=worker_id, model="tiny.en", lease_seconds=60)
    assert claim
    return claim


def unarchived(store: Store, settings: Settings, number: int = 0) -> Record:
    """A recording in the inbox that is transcribed, and whose worker died before it was archived."""
    path = settings.inbox / f"{number}.wav"
    path.write_bytes(b"%d" % number)
    record = store.records.add(source="inbox", title=f"Call {number}", recording_path=str(path))
    claim = store.claims.claim(record.id, worker_id="worker-gone", model="tiny.en", lease_seconds=60)
    assert claim
    return store.claims.complete(claim, [])


def held_by_a_killed_worker(store: Store, settings: Settings, *record_ids: int) -> str:
    """Let a real process claim the recordings and kill it; return its worker id."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(settings.home), *map(str, record_ids)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        worker_id = process.stdout.readline().strip()
        assert Liveness(store, settings.locks).runs(worker_id, None)
        process.kill()
    return worker_id


def status(store: Store, record: Record) -> str:
    return str(store.records.get(record.id).transcription_status)


def taken(hints: HintQueue) -> list[int]:
    """Take all hints, and return their records in the order in which they come."""
    found = []
    while not hints.is_empty():
        found.append(hints._huey.dequeue().args[0])
    return found


def drain(hints: HintQueue) -> None:
    """Take all hints and do nothing about them."""
    while not hints.is_empty():
        hints._huey.dequeue()


# Dead leases


def test_a_recording_of_a_killed_worker_is_queued_again_at_once(
    settings: Settings, store: Store, sweeper: Sweeper
):
    record = queued(store)
    held_by_a_killed_worker(store, settings, record.id)

    sweeper.sweep()

    again = store.records.get(record.id)
    assert (again.transcription_status, again.attempts, again.crashes) == ("queued", 1, 1)
    assert (again.claim_token, again.worker_id, again.lease_expires_at) == (None, None, None)
    assert (again.error_code, again.next_attempt_at) == ("worker_gone", store.records._clock())
    assert "its worker is gone" in again.transcription_error
    assert not sweeper.hints.is_empty()


def test_a_killed_worker_is_taken_off_the_list_of_the_living(
    settings: Settings, store: Store, sweeper: Sweeper, living: str
):
    worker_id = held_by_a_killed_worker(store, settings)

    sweeper.sweep()

    assert [worker.id for worker in Worker.select()] == [living]
    assert [path.stem for path in settings.locks.iterdir()] == [living]
    assert not Liveness(store, settings.locks).runs(worker_id, None)


def test_a_killed_worker_cannot_take_a_recording_along_that_was_cancelled(
    settings: Settings, store: Store, sweeper: Sweeper
):
    record = queued(store)
    held_by_a_killed_worker(store, settings, record.id)
    store.records.cancel(record.id)

    sweeper.sweep()

    assert (status(store, record), store.records.get(record.id).crashes) == ("cancelled", 0)


def test_a_living_worker_keeps_its_recording_until_it_has_been_silent_for_a_lease(
    store: Store, sweeper: Sweeper, monotonic: Clock, settings: Settings, living: str
):
    record = held_by(store, living).record
    silent_since = monotonic.now
    while status(store, record) == "processing" and monotonic.now < silent_since + 600:
        sweeper.sweep()
        monotonic.now += EVERY_SECONDS

    assert settings.lease_seconds < monotonic.now - silent_since <= settings.lease_seconds + 3 * EVERY_SECONDS
    assert store.records.get(record.id).crashes == 1
    assert "its lease has run out" in store.records.get(record.id).transcription_error


def test_a_worker_that_renews_its_lease_keeps_its_recording_for_ever(
    store: Store, sweeper: Sweeper, monotonic: Clock, wall: Clock, living: str
):
    claim = held_by(store, living)
    for _ in range(40):
        sweeper.sweep()
        wall.now += 15
        monotonic.now += 15
        store.claims.renew(claim, lease_seconds=60)

    assert status(store, claim.record) == "processing"


@pytest.mark.parametrize("jump_seconds", [DAY_SECONDS, -DAY_SECONDS])
def test_a_wall_clock_that_jumps_ends_no_lease(
    store: Store, sweeper: Sweeper, wall: Clock, monotonic: Clock, living: str, jump_seconds: float
):
    record = held_by(store, living).record
    sweeper.sweep()
    wall.now += jump_seconds
    for _ in range(10):
        monotonic.now += EVERY_SECONDS
        sweeper.sweep()

    assert status(store, record) == "processing"


@pytest.mark.parametrize("jump_seconds", [DAY_SECONDS, -DAY_SECONDS])
def test_a_wall_clock_that_jumps_keeps_no_dead_lease(
    store: Store, sweeper: Sweeper, wall: Clock, monotonic: Clock, living: str, jump_seconds: float
):
    silent, gone = held_by(store, living, 1).record, held_by(store, "worker-gone", 2).record
    sweeper.sweep()
    assert (status(store, silent), status(store, gone)) == ("processing", "queued")
    wall.now += jump_seconds
    for _ in range(35):
        monotonic.now += EVERY_SECONDS
        sweeper.sweep()

    assert status(store, silent) == "queued"
    assert {record.id for record in store.records.due(10)} == {silent.id, gone.id}


def test_a_machine_that_slept_takes_no_recording_from_a_worker_that_slept_with_it(
    store: Store, sweeper: Sweeper, monotonic: Clock, living: str
):
    """Windows counts sleep in its monotonic clock, and the sweeper may wake before the worker."""
    record = held_by(store, living).record
    sweeper.sweep()
    monotonic.now += 8 * 3600
    sweeper.sweep()

    assert status(store, record) == "processing"


def test_a_worker_whose_recording_was_taken_back_cannot_write_to_it(
    store: Store, sweeper: Sweeper, living: str
):
    claim = held_by(store, "worker-gone")
    sweeper.sweep()

    with pytest.raises(ClaimLost):
        store.claims.complete(claim, [])
    again = store.claims.claim(claim.record.id, worker_id=living, model="tiny.en", lease_seconds=60)
    assert again
    assert again.record.attempts == 2


def test_a_recording_that_takes_its_third_worker_along_has_failed(
    settings: Settings, store: Store, sweeper: Sweeper
):
    bad, good = queued(store, 1), queued(store, 2)
    seen = []
    for _ in range(3):
        held_by_a_killed_worker(store, settings, bad.id)
        sweeper.sweep()
        seen.append((status(store, bad), store.records.get(bad.id).crashes))

    assert seen == [("queued", 1), ("queued", 2), ("failed", 3)]
    assert store.records.get(bad.id).error_code == "worker_gone"
    assert [record.id for record in store.records.due(10)] == [good.id]


def test_what_was_decoded_before_a_crash_is_kept(store: Store, sweeper: Sweeper):
    claim = held_by(store, "worker-gone")
    window = {"start_seconds": 0.0, "end_seconds": 9.0, "stretch_seconds": 0.0, "segments": "[]"}
    store.claims.save_windows(claim, windows([window]), language="en")

    sweeper.sweep()

    assert len(store.transcripts.windows(claim.record.id)) == 1


# Interrupted archiving


def test_a_recording_that_its_worker_did_not_archive_is_archived(
    settings: Settings, store: Store, sweeper: Sweeper, wall: Clock
):
    record = unarchived(store, settings)
    wall.now += ARCHIVING_SECONDS

    sweeper.sweep()

    archived = store.records.get(record.id)
    assert archived.archived_at == wall.now
    assert Path(archived.recording_path).read_bytes() == b"0"
    assert Path(archived.recording_path).is_relative_to(settings.library)


def test_the_files_of_a_transcript_that_is_being_edited_are_written_after_a_rest(
    settings: Settings, store: Store, sweeper: Sweeper, wall: Clock
):
    record = unarchived(store, settings)
    wall.now += ARCHIVING_SECONDS
    sweeper.sweep()
    with store.edits.change(record.id, "speaker"):
        store.overlays.rename(record.id, "me", "Ada")
    wall.now += REST_SECONDS - 1
    sweeper.sweep()
    assert store.records.get(record.id).archived_at is None
    wall.now += 1
    sweeper.sweep()
    assert store.records.get(record.id).archived_at == wall.now


def test_a_move_that_was_done_and_not_noted_is_noted(
    settings: Settings, store: Store, sweeper: Sweeper, wall: Clock
):
    record = unarchived(store, settings)
    stem = settings.library / store.places.reserve_stem(record.id, iter(["2026/11/Call"]))
    stem.parent.mkdir(parents=True)
    target = stem.with_suffix(".wav")
    move(Path(record.recording_path), target)
    wall.now += ARCHIVING_SECONDS

    sweeper.sweep()

    archived = store.records.get(record.id)
    assert (archived.recording_path, archived.archived_at) == (str(target), wall.now)
    assert len(list(stem.parent.iterdir())) == 1 + len(IN_LIBRARY)


def test_a_worker_is_left_the_time_to_file_by_itself(
    settings: Settings, store: Store, sweeper: Sweeper, wall: Clock
):
    record = unarchived(store, settings)
    wall.now += ARCHIVING_SECONDS - 1

    sweeper.sweep()

    assert store.records.get(record.id).archived_at is None


@pytest.mark.parametrize("jump_seconds", [DAY_SECONDS, -DAY_SECONDS])
def test_a_wall_clock_that_jumps_delays_no_archiving(
    settings: Settings, store: Store, sweeper: Sweeper, wall: Clock, jump_seconds: float
):
    record = unarchived(store, settings)
    wall.now += jump_seconds

    sweeper.sweep()

    assert store.records.get(record.id).archived_at is not None


def test_a_recording_that_cannot_be_archived_holds_up_no_other(
    settings: Settings, store: Store, sweeper: Sweeper, wall: Clock, caplog: pytest.LogCaptureFixture
):
    gone, other = unarchived(store, settings, 1), unarchived(store, settings, 2)
    Path(gone.recording_path).unlink()
    waiting = queued(store, 3)
    wall.now += ARCHIVING_SECONDS

    sweeper.sweep()

    assert store.records.get(other.id).archived_at is not None
    assert not sweeper.hints.is_empty()
    assert status(store, waiting) == "queued"


def test_a_library_that_cannot_be_written_holds_up_no_other_work(
    settings: Settings, store: Store, sweeper: Sweeper, wall: Clock
):
    settings.library.rmdir()
    settings.library.write_text("a file where the folder should be")
    record = unarchived(store, settings)
    queued(store, 2)
    wall.now += ARCHIVING_SECONDS
    try:
        sweeper.sweep()
    except Exception as error:  # as run() does
        print(f"sweep failed: {error}")

    assert not sweeper.hints.is_empty()
    settings.library.unlink()
    sweeper.sweep()
    assert store.records.get(record.id).archived_at is not None


# Hints


def test_a_hint_is_sent_for_each_recording_that_is_due_the_most_urgent_first(
    settings: Settings, store: Store, sweeper: Sweeper, hints: HintQueue, monkeypatch: pytest.MonkeyPatch
):
    usual, urgent, later = queued(store, 1), queued(store, 2, priority=5), queued(store, 3)
    claim = store.claims.claim(later.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim
    store.claims.retry_later(claim, Failure("error", "it failed"), wait_seconds=100)
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(hints, "send", lambda *hint: sent.append(hint))

    sweeper.sweep()

    assert sent == [(urgent.id, 5), (usual.id, 0)]


def test_no_hints_are_sent_while_hints_wait(store: Store, sweeper: Sweeper, hints: HintQueue):
    queued(store)
    hints.send(77)

    sweeper.sweep()

    assert hints._huey.pending_count() == 1


def test_an_interrupted_recording_goes_on_before_all_that_has_been_dropped_since(
    settings: Settings, store: Store, sweeper: Sweeper, hints: HintQueue
):
    interrupted = queued(store, 1)
    urgent, usual = queued(store, 2, priority=5), queued(store, 3)
    hints.send(urgent.id, 5)
    hints.send(usual.id)
    held_by_a_killed_worker(store, settings, interrupted.id)

    sweeper.sweep()

    assert taken(hints) == [urgent.id, interrupted.id, usual.id]


def test_a_dead_workers_recording_goes_on_before_one_whose_engine_has_died(
    settings: Settings, store: Store, sweeper: Sweeper, hints: HintQueue, living: str
):
    crashed = held_by(store, living, 1)
    store.claims.retry_later(crashed, Failure("engine_crashed", "it died"), wait_seconds=0, crashed=True)
    held = queued(store, 2)
    hints.send(77)
    sweeper.sweep()
    held_by_a_killed_worker(store, settings, held.id)

    sweeper.sweep()

    assert taken(hints) == [held.id, crashed.record.id, 77]


def test_an_interrupted_recording_is_hinted_once_while_hints_wait_and_again_when_it_is_interrupted_again(
    settings: Settings, store: Store, sweeper: Sweeper, hints: HintQueue
):
    record = queued(store)
    for _ in range(2):
        drain(hints)
        hints.send(77)
        held_by_a_killed_worker(store, settings, record.id)
        for _ in range(3):
            sweeper.sweep()
        assert sorted(taken(hints)) == [record.id, 77]


def test_hints_are_sent_again_once_the_last_has_been_taken(
    settings: Settings, store: Store, sweeper: Sweeper
):
    queued(store)
    for _ in range(2):
        drain(sweeper.hints)
        sweeper.sweep()
        assert sweeper.hints._huey.pending_count() == 1


def test_no_hints_are_sent_while_the_queue_is_paused(store: Store, sweeper: Sweeper, hints: HintQueue):
    queued(store)
    store.controls.set_paused(True)
    sweeper.sweep()
    assert hints.is_empty()

    store.controls.set_paused(False)
    sweeper.sweep()
    assert not hints.is_empty()


def test_a_paused_queue_still_takes_recordings_back_and_files_them(
    settings: Settings, store: Store, sweeper: Sweeper, wall: Clock
):
    store.controls.set_paused(True)
    done, lost = unarchived(store, settings), held_by(store, "worker-gone", 1).record
    wall.now += ARCHIVING_SECONDS

    sweeper.sweep()

    assert store.records.get(done.id).archived_at is not None
    assert status(store, lost) == "queued"


@pytest.mark.parametrize("jump_seconds", [DAY_SECONDS, -DAY_SECONDS])
def test_a_wall_clock_that_jumps_leaves_no_recording_waiting(
    store: Store, sweeper: Sweeper, wall: Clock, hints: HintQueue, jump_seconds: float
):
    held_by(store, "worker-gone")
    sweeper._reclaim()
    wall.now += jump_seconds

    sweeper.sweep()

    assert not hints.is_empty()


# Several sweepers


def test_two_sweepers_at_once_do_no_harm(settings: Settings, store: Store, sweeper: Sweeper, wall: Clock):
    lost = [held_by(store, "worker-gone", number).record for number in range(10)]
    done = [unarchived(store, settings, number) for number in range(10)]
    held_by_a_killed_worker(store, settings)
    wall.now += ARCHIVING_SECONDS
    other = replace(sweeper, hints=HintQueue(settings.queue), _leases={})
    start = threading.Barrier(2)
    errors: list[Exception] = []

    def sweep(sweeper: Sweeper) -> None:
        start.wait()
        try:
            sweeper.sweep()
        except Exception as error:
            errors.append(error)
        finally:
            store.disconnect()

    threads = [threading.Thread(target=sweep, args=(it,)) for it in (sweeper, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sweeper.sweep()
    other.hints.close()

    assert errors == []
    for record in lost:
        again = store.records.get(record.id)
        assert (again.transcription_status, again.attempts, again.crashes) == ("queued", 1, 1)
    for number, record in enumerate(done):
        archived = store.records.get(record.id)
        assert archived.archived_at is not None
        assert Path(archived.recording_path).read_bytes() == b"%d" % number
    assert list(settings.inbox.iterdir()) == []


def test_a_sweeper_goes_on_behind_a_sweep_that_failed_and_stops_when_told(
    sweeper: Sweeper,
    store: Store,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("transcribe_worker.jobs.sweeper.EVERY_SECONDS", 0.05)
    stopping, swept = threading.Event(), threading.Event()
    sweeps: list[int] = []

    class Failing(Sweeper):
        def _reclaim(self) -> None:
            sweeps.append(1)
            if len(sweeps) == 1:
                raise OSError("it went wrong")
            swept.set()

    failing = Failing(sweeper.settings, store, sweeper.hints, sweeper.library)
    thread = threading.Thread(target=failing.run, args=(stopping,))
    thread.start()
    assert swept.wait(5)
    stopping.set()
    thread.join(timeout=1)

    assert not thread.is_alive()
    assert "sweep failed" in caplog.text
