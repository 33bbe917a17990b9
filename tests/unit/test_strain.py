"""What a recording has trouble with: noted at once, and over when it has been well for some seconds."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from capture_worker.disk import MOST_WAITING, DiskThread
from capture_worker.strain import CALM_SECONDS, CAPTURE_LATE, DISK_LATE, LATE_SECONDS, Strain
from capture_worker.wav import WavWriter

PATIENCE_SECONDS = 10.0


@dataclass
class Clock:
    """A clock that a test sets."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def strain(clock: Clock) -> Strain:
    """A recording whose audio thread has just run."""
    strain = Strain(clock)
    strain.beat(clock())
    return strain


def run_for(strain: Strain, clock: Clock, seconds: float) -> None:
    for _ in range(round(seconds / 0.02)):
        clock.seconds += 0.02
        strain.beat(clock())


def test_a_recording_that_runs_as_it_should_has_no_trouble(strain: Strain, clock: Clock) -> None:
    run_for(strain, clock, 10)
    assert strain.now() is None


def test_one_that_has_not_begun_to_run_is_not_late(clock: Clock) -> None:
    strain = Strain(clock)
    clock.seconds += 30  # the devices are slow to open
    assert strain.now() is None
    strain.beat(clock())
    assert strain.now() is None


def test_an_audio_thread_that_stands_still_is_late_while_it_does_and_for_a_while(
    strain: Strain, clock: Clock
) -> None:
    clock.seconds += LATE_SECONDS + 0.01
    assert strain.now() == CAPTURE_LATE
    strain.beat(clock())
    run_for(strain, clock, CALM_SECONDS - 0.5)
    assert strain.now() == CAPTURE_LATE
    run_for(strain, clock, 1)
    assert strain.now() is None


def test_missing_audio_is_trouble_unless_the_device_was_lost(strain: Strain, clock: Clock) -> None:
    strain.count_gaps(1, losses=1)
    assert strain.now() is None
    strain.count_gaps(2, losses=1)
    assert strain.now() == CAPTURE_LATE
    run_for(strain, clock, CALM_SECONDS + 1)
    strain.count_gaps(2, losses=2)
    strain.count_gaps(3, losses=2)
    assert strain.now() is None


@dataclass
class SlowDisk:
    """A file whose disk takes its time: a sync waits until it is let go."""

    wav: WavWriter
    let_go: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.path = self.wav.path
        self.write, self.close = self.wav.write, self.wav.close
        self.begun = threading.Event()

    def sync(self) -> None:
        self.begun.set()
        assert self.let_go.wait(PATIENCE_SECONDS)
        self.wav.sync()


@pytest.fixture
def slow(tmp_path: Path) -> SlowDisk:
    return SlowDisk(WavWriter(tmp_path / "call.part", 1))


def test_a_disk_on_which_much_waits_is_late(slow: SlowDisk, strain: Strain) -> None:
    disk = DiskThread(slow, monotonic=iter(range(100)).__next__, on_late=lambda: strain.note(DISK_LATE))  # type: ignore[arg-type]
    disk.start()
    disk.put(bytes(3200))
    assert slow.begun.wait(PATIENCE_SECONDS)
    for _ in range(MOST_WAITING):
        disk.put(bytes(3200))
    assert strain.now() is None
    disk.put(bytes(3200))
    assert strain.now() == DISK_LATE
    slow.let_go.set()
    disk.close()


@pytest.mark.parametrize(("sync_seconds", "trouble"), [(0.9, None), (1.1, DISK_LATE)])
def test_a_disk_that_takes_long_for_a_sync_is_late(
    slow: SlowDisk, strain: Strain, sync_seconds: float, trouble: str | None
) -> None:
    moments = iter([0.0, 1.0, 1.0 + sync_seconds])
    disk = DiskThread(slow, monotonic=lambda: next(moments), on_late=lambda: strain.note(DISK_LATE))  # type: ignore[arg-type]
    slow.let_go.set()
    disk.start()
    disk.put(bytes(3200))
    disk.close()
    assert strain.now() == trouble
