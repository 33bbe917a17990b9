"""What is recorded while devices come and go, over a machine whose devices do as they are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
import pytest

from capture_worker.audio.source import LOOPBACK, MICROPHONE, SIDES, Block, Device
from capture_worker.inputs import LOOK_EVERY_SECONDS, REFUSED_SECONDS, Heard, Inputs, choose
from shared.errors import AudioUnavailable, DeviceLost, DeviceUnknown, NoDevice

POLL_SECONDS = 0.02

BUILT_IN = Device(MICROPHONE, "Built-in Microphone", "in:0", 48_000, 2, is_default=True)
HEADSET = Device(MICROPHONE, "USB Headset (Jabra)", "in:1", 16_000, 1)
SPEAKERS = Device(LOOPBACK, "Speakers", "out:0", 48_000, 2, is_default=True)
EARPHONES = Device(LOOPBACK, "USB Headset (Jabra)", "out:1", 44_100, 2)
LAPTOP = (BUILT_IN, HEADSET, SPEAKERS, EARPHONES)


class Stream:
    """An open device, which hears what it is given."""

    def __init__(self, machine: Machine, device: Device) -> None:
        self.device = device
        self._machine = machine

    def read(self) -> Block | None:
        there = [device.key for device in self._machine.devices]
        if self._machine.is_down or self.device.key not in there:
            raise DeviceLost(f"{self.device.name} is gone.")
        heard = self._machine.heard.pop(self.device.key, None)
        return None if heard is None else Block(self._machine.now, np.array(heard, np.float32))

    def close(self) -> None:
        assert self in self._machine.streams, "closed twice"
        self._machine.streams.remove(self)
        self._machine.done.append(f"close {self.device.key}")


@dataclass
class Machine:
    """The devices that are there, those that cannot be opened, and all that was done with them.

    One that `freezes` knows only the devices that were there when it began, as PortAudio does.
    """

    devices: list[Device] = field(default_factory=lambda: list(LAPTOP))
    freezes: bool = False
    is_down: bool = False
    does_not_know: bool = False
    failing_renewals: int = 0
    refused: set[str] = field(default_factory=set)
    heard: dict[str, list[list[float]]] = field(default_factory=dict)
    now: float = 1_000.0
    streams: list[Stream] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)  # when it was asked what is there
    known: set[str] = field(default_factory=set)
    is_closed: bool = False

    def __call__(self, wanted: Mapping[str, str]) -> Machine:
        self.known = {device.key for device in self.devices}
        return self

    def look(self) -> list[Device] | None:
        self._be_asked()
        return None if self.does_not_know else list(self.devices)

    def open(self, device: Device) -> Stream:
        assert not self.is_closed
        if self.is_down:
            raise AudioUnavailable
        if self.freezes and device.key not in self.known:
            raise DeviceUnknown
        if device.key in self.refused or device not in self.devices:
            raise DeviceLost(f"{device.name} is held by another program.")
        assert device.key not in [stream.device.key for stream in self.streams], "opened twice"
        self.done.append(f"open {device.key}")
        self.streams.append(Stream(self, device))
        return self.streams[-1]

    def renew(self) -> None:
        assert not self.streams, "a stream is open"
        self._be_asked()
        if self.failing_renewals:
            self.failing_renewals -= 1
            raise AudioUnavailable
        self.known = {device.key for device in self.devices}
        self.done.append("renew")

    def close(self) -> None:
        self.is_closed = True

    def _be_asked(self) -> None:
        if self.asked[-1:] != [self.now]:
            self.asked.append(self.now)
        if self.is_down:
            raise AudioUnavailable

    def unplug(self, *gone: Device) -> None:
        keys = [device.key for device in gone]
        self.devices = [device for device in self.devices if device.key not in keys]

    def plug(self, *devices: Device) -> None:
        self.devices += devices

    def make_default(self, chosen: Device) -> None:
        self.devices = [
            replace(device, is_default=device.key == chosen.key) if device.side == chosen.side else device
            for device in self.devices
        ]


class Recorder:
    """Inputs that are polled, and what they say."""

    def __init__(self, machine: Machine, *, open_now: bool = True, **wanted: str) -> None:
        self.machine = machine
        self.warnings: list[tuple[str, str]] = []
        self.heard: list[Heard] = []
        self.inputs = Inputs(machine, wanted, lambda code, message: self.warnings.append((code, message)))
        if open_now:
            self.inputs.open(machine.now)

    def run(self, seconds: float) -> list[tuple[str, str]]:
        """Poll for a while; return the warnings that came meanwhile."""
        before = len(self.warnings)
        end = self.machine.now + seconds
        while self.machine.now < end:
            self.heard += self.inputs.read()
            self.inputs.look_after(self.machine.now)
            self.machine.now += POLL_SECONDS
        return self.warnings[before:]

    @property
    def open_keys(self) -> dict[str, str]:
        return {stream.device.side: stream.device.key for stream in self.machine.streams}

    def keys_used(self, side: str) -> list[str]:
        return [device.key for device in self.inputs.sides[side].devices]

    def close(self) -> None:
        self.inputs.close()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def recorder(machine: Machine) -> Iterator[Recorder]:
    """A recording of the default devices."""
    with closing(Recorder(machine)) as recorder:
        yield recorder


def codes(warnings: list[tuple[str, str]]) -> list[str]:
    return [code for code, _ in warnings]


# What is opened


def test_the_default_devices_are_opened_the_microphone_first(machine: Machine, recorder: Recorder):
    assert machine.done == ["open in:0", "open out:0"]
    assert recorder.inputs.heard == [MICROPHONE, LOOPBACK]
    assert recorder.warnings == []


def test_the_microphone_is_opened_first_wherever_it_is_in_the_list():
    machine = Machine(list(reversed(LAPTOP)))
    with closing(Recorder(machine)):
        assert machine.done == ["open in:0", "open out:0"]


@pytest.mark.parametrize(
    "wanted", ["in:1", "USB Headset (Jabra)", "usb headset (jabra)", "Jabra", "jabra", "HEADSET"]
)
def test_a_device_is_named_by_its_key_its_name_or_a_part_of_it(machine: Machine, wanted: str):
    with closing(Recorder(machine, microphone=wanted)) as recorder:
        assert recorder.open_keys == {MICROPHONE: "in:1", LOOPBACK: "out:0"}
        assert recorder.run(3) == []


def test_a_name_counts_for_the_side_that_it_was_given_for(machine: Machine):
    with closing(Recorder(machine, loopback="Jabra")) as recorder:
        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:1"}


def test_a_whole_name_goes_before_a_part_of_another():
    longer, exact = replace(HEADSET, name="USB Headset Pro", key="in:2"), replace(HEADSET, name="USB Headset")

    assert choose([longer, exact], MICROPHONE, "USB Headset") == exact
    assert choose([replace(longer, name="mix of in:1"), exact], MICROPHONE, "in:1") == exact


def test_a_key_counts_as_a_whole():
    assert choose([BUILT_IN, HEADSET], MICROPHONE, "in:") == BUILT_IN


def test_without_a_default_and_without_a_name_nothing_is_chosen():
    assert choose([HEADSET, EARPHONES], MICROPHONE, "default") is None
    assert choose([HEADSET, EARPHONES], MICROPHONE, "Jabra") == HEADSET
    assert choose([], MICROPHONE, "Jabra") is None


@pytest.mark.parametrize(("side", "left"), [(MICROPHONE, "out:0"), (LOOPBACK, "in:0")])
def test_a_side_that_is_not_wanted_is_never_opened_and_not_missed(machine: Machine, side: str, left: str):
    with closing(Recorder(machine, **{side: "none"})) as recorder:
        recorder.run(2)
        machine.make_default(HEADSET)
        machine.make_default(EARPHONES)
        recorder.run(2)

        assert recorder.inputs.heard == [other for other in SIDES if other != side]
        assert machine.done[0] == f"open {left}"
        assert not recorder.keys_used(side)
        assert codes(recorder.warnings) == ["device_opened"]


@pytest.mark.parametrize(
    ("devices", "wanted"),
    [
        ([], {}),
        ([HEADSET, EARPHONES], {}),
        (LAPTOP, {MICROPHONE: "none", LOOPBACK: "none"}),
        ([SPEAKERS], {LOOPBACK: "none"}),
    ],
)
def test_without_any_device_to_record_there_is_an_error_and_nothing_stays_open(
    devices: list[Device], wanted: dict[str, str]
):
    machine = Machine(list(devices))
    recorder = Recorder(machine, open_now=False, **wanted)

    with pytest.raises(NoDevice):
        recorder.inputs.open(machine.now)
    assert machine.is_closed
    assert not machine.streams


def test_devices_that_all_refuse_are_an_error_that_comes_with_the_reasons():
    machine = Machine(refused={"in:0", "out:0"})
    recorder = Recorder(machine, open_now=False)

    with pytest.raises(NoDevice):
        recorder.inputs.open(machine.now)
    assert machine.is_closed
    assert codes(recorder.warnings) == ["device_unusable", "device_unusable"]


def test_an_audio_system_that_cannot_be_reached_is_an_error_and_nothing_stays_open():
    machine = Machine(is_down=True)
    recorder = Recorder(machine, open_now=False)

    with pytest.raises(AudioUnavailable):
        recorder.inputs.open(machine.now)
    assert machine.is_closed


@pytest.mark.parametrize(
    ("devices", "code"), [([SPEAKERS], "microphone_missing"), ([BUILT_IN], "loopback_missing")]
)
def test_one_side_alone_is_recorded_and_said_so(devices: list[Device], code: str):
    machine = Machine(devices)
    with closing(Recorder(machine)) as recorder:
        assert recorder.open_keys == {device.side: device.key for device in devices}
        recorder.run(5)
        assert codes(recorder.warnings) == [code]


def test_a_side_that_was_missing_is_heard_as_soon_as_it_is_there():
    machine = Machine([SPEAKERS])
    with closing(Recorder(machine)) as recorder:
        recorder.run(3)
        machine.plug(BUILT_IN)
        said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

        assert recorder.inputs.heard == [MICROPHONE, LOOPBACK]
        assert said == [("device_opened", "The microphone is Built-in Microphone now.")]


def test_everything_is_closed_in_the_end(machine: Machine):
    recorder = Recorder(machine)
    recorder.run(1)
    recorder.close()

    assert machine.done[-2:] == ["close in:0", "close out:0"]
    assert not machine.streams
    assert machine.is_closed


# What is heard


def test_all_channels_are_heard_with_equal_weight(machine: Machine, recorder: Recorder):
    machine.heard = {"in:0": [[1.0, 0.0], [0.5, -0.5], [-0.25, -0.75]], "out:0": [[0.0, 1.0]]}
    recorder.run(0.1)

    microphone, loopback = recorder.heard
    assert microphone.samples.tolist() == [0.5, 0.0, -0.5]
    assert loopback.samples.tolist() == [0.5]
    assert microphone.samples.dtype == np.float32
    assert [(heard.side, heard.arrived_seconds, heard.rate_hz) for heard in recorder.heard] == [
        (MICROPHONE, 1_000.0, 48_000),
        (LOOPBACK, 1_000.0, 48_000),
    ]


def test_one_channel_is_heard_as_it_is(machine: Machine):
    with closing(Recorder(machine, microphone="Jabra", loopback="none")) as recorder:
        machine.heard = {"in:1": [[0.25], [-0.75]]}
        recorder.run(0.1)

        (heard,) = recorder.heard
        assert heard.samples.tolist() == [0.25, -0.75]
        assert heard.samples.shape == (2,)
        assert heard.rate_hz == 16_000


@pytest.mark.parametrize(("bad", "heard"), [(np.nan, 0.0), (np.inf, 1.0), (-np.inf, -1.0)])
def test_a_sample_that_is_no_number_becomes_one(
    machine: Machine, recorder: Recorder, bad: float, heard: float
):
    machine.heard = {"in:0": [[0.5, 0.5], [bad, 0.0], [0.25, 0.25]]}

    (found,) = recorder.inputs.read()

    assert found.samples.tolist() == [0.5, heard, 0.25]


def test_a_side_that_has_nothing_to_say_says_nothing(machine: Machine, recorder: Recorder):
    machine.heard = {"out:0": [[0.1, 0.1]]}
    recorder.run(1)

    assert [heard.side for heard in recorder.heard] == [LOOPBACK]


# What is wanted and not there


def test_for_a_named_device_that_is_missing_the_default_one_is_recorded_and_said_so_once():
    machine = Machine([BUILT_IN, SPEAKERS])
    with closing(Recorder(machine, microphone="Jabra")) as recorder:
        recorder.run(5)

        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:0"}
        assert recorder.warnings == [
            ("device_missing", "There is no 'Jabra': Built-in Microphone is recorded instead.")
        ]


def test_a_named_device_is_recorded_again_when_it_comes_back(machine: Machine):
    with closing(Recorder(machine, microphone="Jabra")) as recorder:
        machine.unplug(HEADSET)
        said = recorder.run(2)
        assert recorder.open_keys[MICROPHONE] == "in:0"
        assert codes(said) == ["device_lost", "device_missing", "device_opened"]
        machine.plug(HEADSET)
        said = recorder.run(2)

        assert recorder.open_keys[MICROPHONE] == "in:1"
        assert said == [("device_opened", "The microphone is USB Headset (Jabra) now.")]
        assert recorder.keys_used(MICROPHONE) == ["in:1", "in:0", "in:1"]
        assert machine.done.count("open out:0") == 1


def test_a_named_device_stays_whatever_becomes_the_default(machine: Machine):
    with closing(Recorder(machine, microphone="Built-in")) as recorder:
        machine.make_default(HEADSET)

        assert recorder.run(5) == []
        assert recorder.open_keys[MICROPHONE] == "in:0"


# What changes


@pytest.mark.parametrize(("side", "device"), [(MICROPHONE, HEADSET), (LOOPBACK, EARPHONES)])
def test_the_recording_follows_the_default_device(
    machine: Machine, recorder: Recorder, side: str, device: Device
):
    recorder.run(3)
    machine.make_default(device)
    said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

    assert recorder.open_keys[side] == device.key
    assert said == [("device_opened", f"The {side} is {device.name} now.")]
    assert recorder.inputs.sides[side].losses == 0
    assert len(machine.streams) == 2


def test_while_nothing_changes_nothing_is_opened_again(machine: Machine, recorder: Recorder):
    assert recorder.run(20) == []
    assert machine.done == ["open in:0", "open out:0"]
    assert all(later - earlier >= 0.9 * LOOK_EVERY_SECONDS for earlier, later in pairwise(machine.asked))


def test_a_default_that_nobody_is_leaves_the_device_that_is_open(machine: Machine, recorder: Recorder):
    machine.devices = [replace(device, is_default=False) for device in machine.devices]

    assert recorder.run(5) == []
    assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:0"}


@pytest.mark.parametrize("change", [{"rate_hz": 16_000}, {"channels": 1}])
def test_a_device_that_changes_its_format_is_opened_anew(
    machine: Machine, recorder: Recorder, change: dict[str, int]
):
    machine.unplug(BUILT_IN)
    machine.plug(replace(BUILT_IN, **change))  # type: ignore[arg-type]
    recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)
    machine.heard = {"in:0": [[0.5] * change.get("channels", 2)]}
    recorder.run(0.1)

    assert recorder.keys_used(MICROPHONE) == ["in:0", "in:0"]
    assert recorder.heard[0].rate_hz == change.get("rate_hz", 48_000)
    assert recorder.heard[0].samples.tolist() == [0.5]


def test_a_look_that_is_not_done_changes_nothing_and_is_asked_for_again_soon(
    machine: Machine, recorder: Recorder
):
    recorder.run(1.5)
    machine.does_not_know = True
    machine.make_default(HEADSET)
    assert recorder.run(3) == []
    machine.does_not_know = False
    recorder.run(0.2)

    assert recorder.open_keys[MICROPHONE] == "in:1"


# What is lost


@pytest.mark.parametrize(("side", "device"), [(MICROPHONE, BUILT_IN), (LOOPBACK, SPEAKERS)])
def test_a_device_that_is_lost_is_said_once_and_used_again_when_it_is_back(
    machine: Machine, recorder: Recorder, side: str, device: Device
):
    machine.unplug(device)
    said = recorder.run(30)
    assert said == [("device_lost", f"The {side} was lost. It will be used again when it is back.")]
    machine.plug(device)
    said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

    assert codes(said) == ["device_opened"]
    assert recorder.inputs.sides[side].losses == 1
    assert recorder.keys_used(side) == [device.key, device.key]
    assert recorder.inputs.heard == [MICROPHONE, LOOPBACK]


def test_the_other_side_goes_on_while_one_is_lost(machine: Machine, recorder: Recorder):
    machine.unplug(BUILT_IN)
    for _ in range(5):
        machine.heard = {"out:0": [[0.5, 0.5]]}
        recorder.run(1)

    assert [heard.side for heard in recorder.heard] == [LOOPBACK] * 5
    assert machine.done.count("open out:0") == 1
    assert "close out:0" not in machine.done


def test_a_microphone_that_is_lost_alone_is_used_again_when_it_is_back(machine: Machine):
    with closing(Recorder(machine, loopback="none")) as recorder:
        machine.unplug(BUILT_IN)
        recorder.run(3)
        machine.plug(BUILT_IN)
        recorder.run(2)

        assert machine.done[:3] == ["open in:0", "close in:0", "renew"]
        assert [done for done in machine.done[3:] if done != "renew"] == ["open in:0"]


def test_every_loss_is_counted_and_said(machine: Machine, recorder: Recorder):
    for _ in range(3):
        machine.unplug(BUILT_IN)
        assert codes(recorder.run(2)) == ["device_lost"]
        machine.plug(BUILT_IN)
        assert codes(recorder.run(2)) == ["device_opened"]

    assert recorder.inputs.sides[MICROPHONE].losses == 3
    assert recorder.inputs.sides[LOOPBACK].losses == 0
    assert recorder.keys_used(MICROPHONE) == ["in:0"] * 4


def test_a_loss_is_counted_though_another_device_is_the_default_before_the_next_read(
    machine: Machine, recorder: Recorder
):
    machine.unplug(SPEAKERS)
    machine.make_default(EARPHONES)
    recorder.inputs.look_after(machine.now + LOOK_EVERY_SECONDS)

    assert recorder.inputs.sides[LOOPBACK].losses == 1
    assert codes(recorder.warnings) == ["device_lost", "device_opened"]
    assert recorder.open_keys[LOOPBACK] == "out:1"


def waits_after(machine: Machine, recorder: Recorder, seconds: float = 8.0) -> list[float]:
    """How long it takes from question to question."""
    before = len(machine.asked)
    recorder.run(seconds)
    return [later - earlier for earlier, later in pairwise(machine.asked[before:])]


def test_a_lost_device_is_looked_for_at_once_and_then_ever_more_slowly(machine: Machine, recorder: Recorder):
    for _ in range(2):  # after the second loss as after the first one
        recorder.run(3)
        machine.unplug(BUILT_IN)
        lost_at = machine.now
        waits = waits_after(machine, recorder)

        assert any(lost_at <= look <= lost_at + 2 * POLL_SECONDS for look in machine.asked)
        assert waits[0] < 0.3
        assert all(later >= earlier - POLL_SECONDS - 1e-6 for earlier, later in pairwise(waits))
        assert waits[-1] == pytest.approx(LOOK_EVERY_SECONDS, abs=POLL_SECONDS + 1e-6)
        machine.plug(BUILT_IN)


def test_a_device_that_refuses_is_said_once_and_tried_until_it_does_not(machine: Machine, recorder: Recorder):
    machine.refused.add("in:1")
    machine.make_default(HEADSET)
    said = recorder.run(20)
    assert codes(said) == ["device_unusable"]
    assert "USB Headset (Jabra) is held by another program" in said[0][1]
    assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:0"}  # the old one is better than none
    machine.refused.clear()
    said = recorder.run(REFUSED_SECONDS + LOOK_EVERY_SECONDS)

    assert codes(said) == ["device_opened"]
    assert recorder.open_keys == {MICROPHONE: "in:1", LOOPBACK: "out:0"}
    assert machine.done.count("open out:0") == 1


def test_a_device_that_refuses_from_the_start_is_used_as_soon_as_it_does_not():
    machine = Machine(refused={"in:0"})
    with closing(Recorder(machine)) as recorder:
        recorder.run(3)
        assert codes(recorder.warnings) == ["device_unusable", "microphone_missing"]
        assert machine.asked[1] - machine.asked[0] < 0.5
        assert recorder.inputs.heard == [LOOPBACK]
        machine.refused.clear()
        recorder.run(2)

        assert recorder.inputs.heard == [MICROPHONE, LOOPBACK]
        assert recorder.keys_used(MICROPHONE) == ["in:0"]


# When the audio system ends, or has to begin anew


def test_an_audio_system_that_is_gone_is_tried_again_and_begun_anew(machine: Machine, recorder: Recorder):
    recorder.run(1.5)
    machine.is_down = True
    said = recorder.run(30)
    assert codes(said) == ["device_lost", "device_lost"]
    assert not machine.streams
    machine.is_down = False
    said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

    assert codes(said) == ["device_opened", "device_opened"]
    assert machine.done[-3:] == ["renew", "open in:0", "open out:0"]
    assert [recorder.inputs.sides[side].losses for side in SIDES] == [1, 1]
    assert [recorder.keys_used(side) for side in SIDES] == [["in:0", "in:0"], ["out:0", "out:0"]]


def test_an_audio_system_that_is_gone_is_asked_ever_more_slowly(machine: Machine, recorder: Recorder):
    recorder.run(1.5)
    machine.is_down = True
    waits = waits_after(machine, recorder)

    assert waits[0] < 0.5
    assert waits[-1] == pytest.approx(LOOK_EVERY_SECONDS, abs=POLL_SECONDS + 1e-6)
    assert all(later >= earlier - POLL_SECONDS - 1e-6 for earlier, later in pairwise(waits))


def test_streams_that_say_nothing_of_an_audio_system_that_is_gone_are_closed(
    machine: Machine, recorder: Recorder
):
    machine.is_down = True
    machine.now += 2 * LOOK_EVERY_SECONDS
    recorder.inputs.look_after(machine.now)  # before any of them is read

    assert not machine.streams
    assert codes(recorder.warnings) == ["device_lost", "device_lost"]


def test_a_device_that_the_audio_system_does_not_know_yet_makes_it_begin_anew_with_both_sides():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True)
    with closing(Recorder(machine)) as recorder:
        machine.plug(EARPHONES)
        machine.make_default(EARPHONES)
        said = recorder.run(LOOK_EVERY_SECONDS + POLL_SECONDS)

        assert sorted(machine.done[2:4]) == ["close in:0", "close out:0"]
        assert machine.done[4] == "renew"
        assert sorted(machine.done[5:]) == ["open in:0", "open out:1"]
        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:1"}
        assert "The loopback is USB Headset (Jabra) now." in [message for _, message in said]
        assert [recorder.inputs.sides[side].losses for side in SIDES] == [0, 0]
        assert recorder.run(5) == []


def test_a_device_that_goes_away_while_the_system_begins_anew_does_not_take_the_other_one_with_it():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True)
    with closing(Recorder(machine)) as recorder:
        machine.plug(EARPHONES)
        machine.make_default(EARPHONES)
        machine.refused.add("in:0")  # as soon as it is let go
        recorder.run(3)
        assert recorder.open_keys == {LOOPBACK: "out:1"}
        machine.refused.clear()
        recorder.run(2)

        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:1"}


def test_a_headset_that_is_plugged_in_takes_over_both_sides():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True)
    with closing(Recorder(machine)) as recorder:
        machine.plug(HEADSET, EARPHONES)
        machine.make_default(HEADSET)
        machine.make_default(EARPHONES)
        recorder.run(2)

        assert recorder.open_keys == {MICROPHONE: "in:1", LOOPBACK: "out:1"}
        assert machine.done.count("renew") == 1


def test_a_name_is_warned_of_again_when_its_device_is_lost_again(machine: Machine):
    with closing(Recorder(machine, microphone="Jabra")) as recorder:
        for _ in range(2):
            machine.unplug(HEADSET)
            assert codes(recorder.run(2)) == ["device_lost", "device_missing", "device_opened"]
            machine.plug(HEADSET)
            assert codes(recorder.run(2)) == ["device_opened"]


def test_a_default_that_refuses_for_a_missing_device_is_said_once():
    machine = Machine([BUILT_IN, SPEAKERS], refused={"in:0"})
    with closing(Recorder(machine, microphone="Jabra")) as recorder:
        recorder.run(10)

        assert sorted(codes(recorder.warnings)) == ["device_missing", "device_unusable", "microphone_missing"]


def test_after_a_new_beginning_the_microphone_is_opened_first():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True)
    with closing(Recorder(machine)) as recorder:
        machine.plug(HEADSET)
        machine.make_default(HEADSET)
        recorder.run(2)

        assert machine.done[-3:] == ["renew", "open in:1", "open out:0"]


def test_a_new_beginning_that_fails_is_a_loss_of_both_sides_and_is_tried_again():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True, failing_renewals=1)
    with closing(Recorder(machine)) as recorder:
        machine.plug(EARPHONES)
        machine.make_default(EARPHONES)
        recorder.run(3)

        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:1"}
        assert codes(recorder.warnings)[:2] == ["device_lost", "device_lost"]
        assert [recorder.inputs.sides[side].losses for side in SIDES] == [1, 1]


def test_a_new_device_that_refuses_behind_a_new_beginning_leaves_both_sides_as_they_were():
    machine = Machine([BUILT_IN, SPEAKERS], freezes=True, refused={"out:1"})
    with closing(Recorder(machine)) as recorder:
        machine.plug(EARPHONES)
        machine.make_default(EARPHONES)
        recorder.run(4)

        assert recorder.open_keys == {MICROPHONE: "in:0", LOOPBACK: "out:0"}
        assert machine.done.count("renew") == 1  # each one costs both sides


@pytest.mark.parametrize("wanted", ["", "  ", "Default", "DEFAULT"])
def test_a_name_without_a_name_is_the_default(wanted: str):
    with closing(Recorder(Machine([HEADSET, BUILT_IN, SPEAKERS]), microphone=wanted)) as recorder:
        assert recorder.open_keys[MICROPHONE] == "in:0"


def test_a_voice_on_the_front_of_a_surround_device_is_as_loud_as_on_a_stereo_one():
    surround = replace(BUILT_IN, channels=8)
    machine = Machine([surround, SPEAKERS])
    with closing(Recorder(machine)) as recorder:
        machine.heard = {"in:0": [[0.5, 0.5, 0, 0, 0, 0, 0, 0], [1.0] * 8]}

        (found,) = recorder.inputs.read()

        assert found.samples.tolist() == [0.5, 1.0]
