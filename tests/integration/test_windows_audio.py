"""Windows' audio: pyaudiowpatch's own Python over a fake of its C module that keeps PortAudio's contract."""

from __future__ import annotations

import inspect
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from capture_worker.audio import listing, source, windows
from capture_worker.audio.device_probe import DeviceProbe
from capture_worker.audio.source import LOOPBACK, MICROPHONE, Device
from capture_worker.clock import steady_seconds
from shared.errors import AudioUnavailable, DeviceLost, DeviceUnknown
from tests.fake_portaudio import CONSTANTS, PortAudio, faultless, installed, probe, wheel
from tests.windows_machine import Clock, Machine, Microphone, Render, tone

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of pyaudiowpatch for Windows."""
    return wheel(tmp_path_factory.getbasetemp() / "pyaudiowpatch")


@pytest.fixture
def machine() -> Machine:
    """A laptop with loudspeakers, a headset on USB and a microphone of its own."""
    return Machine(
        Render("Speakers (Realtek)"),
        Render("Headset (USB)", 44_100),
        Microphone("Microphone (Realtek)", 48_000, 2),
        Microphone("Headset (USB)", 16_000, 1),
    )


@pytest.fixture
def portaudio(machine: Machine, unpacked: Path) -> Iterator[PortAudio]:
    """PortAudio in this process; no process may break its contract or leave anything behind."""
    with faultless(machine, unpacked) as portaudio:
        yield portaudio


@pytest.fixture
def system(portaudio: PortAudio, machine: Machine, unpacked: Path) -> Iterator[windows.System]:
    """The audio system, with an probe whose looks take no time."""
    system = windows.System(probe(machine, unpacked), clock=machine.clock)
    yield system
    system.close()


def looked(system: windows.System) -> list[Device]:
    devices = system.look()
    assert devices is not None
    return devices


def device(system: windows.System, side: str, name: str = "") -> Device:
    """The first device of a side whose name has this in it, as a look shows it."""
    return next(found for found in looked(system) if found.side == side and name in found.name)


def render(machine: Machine, name: str = "Speakers") -> Render:
    return next(e for e in machine.endpoints if isinstance(e, Render) and name in e.name)


def microphone(machine: Machine, name: str = "Microphone") -> Microphone:
    return next(e for e in machine.endpoints if isinstance(e, Microphone) and name in e.name)


def frames(stream: windows.Stream) -> int:
    block = stream.read()
    return 0 if block is None else len(block.frames)


# What is there


def test_what_plays_is_heard_through_its_loopback_and_microphones_are_themselves(system: windows.System):
    assert [(found.side, found.name, found.rate_hz, found.channels) for found in looked(system)] == [
        (MICROPHONE, "Microphone (Realtek)", 48_000, 2),
        (MICROPHONE, "Headset (USB)", 16_000, 1),
        (LOOPBACK, "Speakers (Realtek)", 48_000, 2),
        (LOOPBACK, "Headset (USB)", 44_100, 2),
    ]


def test_the_defaults_are_the_default_microphone_and_the_loopback_of_the_default_output(
    machine: Machine, system: windows.System
):
    defaults = [(found.side, found.name) for found in looked(system) if found.is_default]
    assert defaults == [(MICROPHONE, "Microphone (Realtek)"), (LOOPBACK, "Speakers (Realtek)")]

    machine.make_default(render(machine, "Headset"))
    machine.make_default(microphone(machine, "Headset"))
    defaults = [(found.side, found.name) for found in looked(system) if found.is_default]
    assert defaults == [(MICROPHONE, "Headset (USB)"), (LOOPBACK, "Headset (USB)")]


@pytest.mark.parametrize(
    "endpoints", [[], [Microphone("Only a microphone")], [Render("Only loudspeakers")]], ids=len
)
def test_a_machine_without_a_default_is_listed(endpoints: list[Any], unpacked: Path):
    with faultless(Machine(*endpoints), unpacked):
        system = windows.System()
        assert [(found.name, found.is_default) for found in looked(system)] == [
            (endpoint.name, True) for endpoint in endpoints
        ]
        system.close()


def test_two_devices_of_one_name_have_two_keys_and_the_default_is_the_right_one(unpacked: Path):
    first, second = Render("Monitor", 44_100), Render("Monitor", 48_000)
    machine = Machine(first, second, Render("Monitor (more)"))
    machine.make_default(second)
    with faultless(machine, unpacked):
        system = windows.System()
        devices = looked(system)
        assert len({found.key for found in devices}) == 3
        assert [found.rate_hz for found in devices if found.is_default] == [48_000]

        machine.play(second)
        streams = [system.open(found) for found in devices[:2]]
        machine.advance(0.1)
        assert [frames(stream) for stream in streams] == [0, 4_800]
        system.close()


def test_keys_stay_while_indices_change(machine: Machine, system: windows.System):
    before = {found.key for found in looked(system)}
    machine.unplug(render(machine, "Speakers"))
    system.renew()
    after = {found.key for found in looked(system)}

    assert len(after) == 3
    assert after < before


# How a device is opened


def test_a_device_is_opened_through_wasapi_as_it_is_with_a_buffer_of_a_second(
    portaudio: PortAudio, system: windows.System
):
    devices = looked(system)
    for found in devices:
        assert system.open(found).device == found

    assert [
        (how["rate"], how["channels"], how["format"], how["input"], how["output"], how["frames_per_buffer"])
        for how in portaudio.opened
    ] == [
        (found.rate_hz, found.channels, CONSTANTS["paFloat32"], True, False, found.rate_hz)
        for found in devices
    ]
    apis = {portaudio.rows[how["input_device_index"]][0].hostApi for how in portaudio.opened}
    assert [portaudio.apis[api].name for api in apis] == ["Windows WASAPI"]
    assert not any("stream_callback" in how for how in portaudio.opened)


def test_a_device_that_is_held_by_another_program_is_lost_and_the_message_says_so(
    machine: Machine, system: windows.System
):
    found = device(system, LOOPBACK)
    for code in (-9996, -9999):
        machine.hold(render(machine), code)
        with pytest.raises(DeviceLost, match=rf"Speakers.*another program.*exclusive.*{code}"):
            system.open(found)
    machine.release(render(machine))

    system.open(found)


def test_a_device_that_opens_and_does_not_start_is_lost_and_leaves_no_stream(
    machine: Machine, system: windows.System
):
    found = device(system, MICROPHONE)
    microphone(machine).refuses_to_start = True

    with pytest.raises(DeviceLost, match="-9999"):
        system.open(found)
    assert machine.streams() == []
    system.renew()


@pytest.mark.parametrize("call_format", [(16_000, 2), (48_000, 1), (16_000, 1)])
def test_a_headset_whose_microphone_opens_is_opened_again_in_its_new_format(
    unpacked: Path, call_format: tuple[int, int]
):
    machine = Machine(Render("Bluetooth"), Microphone("Bluetooth", 16_000))
    render(machine, "Bluetooth").headset = microphone(machine, "Bluetooth")
    render(machine, "Bluetooth").call_format = call_format
    machine.play(render(machine, "Bluetooth"))
    with faultless(machine, unpacked):
        system = windows.System(probe(machine, unpacked))
        before = looked(system)
        for found in before:
            if found.side == MICROPHONE:
                system.open(found)
        (old,) = [found for found in before if found.side == LOOPBACK]
        with pytest.raises(DeviceLost, match="its sample rate or channels have changed"):
            system.open(old)
        stream = system.open(device(system, LOOPBACK))
        machine.advance(0.1)
        block = stream.read()
        assert block is not None
        assert block.frames.shape == (call_format[0] // 10, call_format[1])
        system.close()


def test_an_index_beyond_the_list_is_never_passed_on(
    machine: Machine, portaudio: PortAudio, system: windows.System
):
    devices = looked(system)
    portaudio.rows = portaudio.rows[:3]

    for found in devices:
        with pytest.raises(DeviceUnknown):
            system.open(found)
    assert portaudio.opened == []


# What comes


def test_frames_come_as_they_were_played_for_every_channel_with_the_moment_they_were_there(
    machine: Machine, system: windows.System
):
    left, right = tone(300, 0.5), tone(500, 0.25)
    start = machine.clock()
    machine.play(render(machine), lambda seconds: np.stack([left(seconds), right(seconds)], axis=1))
    stream = system.open(device(system, LOOPBACK))
    machine.advance(0.5)
    block = stream.read()

    assert block is not None
    assert block.arrived_seconds == machine.clock()
    assert block.frames.dtype == np.float32
    seconds = start + np.arange(24_000) / 48_000
    played = np.stack([left(seconds), right(seconds)], axis=1)
    assert np.abs(block.frames - played).max() < 1e-6


def test_the_moment_is_one_of_the_recordings_clock(unpacked: Path):
    machine = Machine(Microphone("Microphone"), clock=steady_seconds)
    with faultless(machine, unpacked):
        system = windows.System()
        stream = system.open(device(system, MICROPHONE))
        time.sleep(0.05)
        before = steady_seconds()
        block = stream.read()
        assert block is not None
        assert before <= block.arrived_seconds <= steady_seconds()
        system.close()


def test_a_mix_beyond_full_scale_stays_within_it_and_can_be_changed(machine: Machine, system: windows.System):
    machine.play(render(machine), tone(level=3.0))
    stream = system.open(device(system, LOOPBACK))
    machine.advance(0.1)
    block = stream.read()

    assert block is not None
    assert np.abs(block.frames).max() == 1.0
    assert block.frames.flags.writeable


def test_a_loopback_without_anything_that_plays_is_silence_and_no_failure(
    machine: Machine, system: windows.System
):
    stream = system.open(device(system, LOOPBACK))
    for _ in range(100):
        machine.advance(1.0)
        assert stream.read() is None

    machine.play(render(machine))
    machine.advance(0.1)
    assert frames(stream) == 4_800
    machine.pause(render(machine))
    machine.advance(10.0)
    assert stream.read() is None


def test_all_that_is_there_is_read_and_never_more(machine: Machine, system: windows.System):
    stream = system.open(device(system, MICROPHONE))
    came = 0
    for step_ms in (10, 3, 4, 20, 15, 0, 700, 1_000, 248):
        machine.advance(step_ms / 1000)
        came += frames(stream)
        assert stream.read() is None

    assert came == 2 * 48_000


def test_a_delay_of_two_seconds_loses_nothing_and_a_longer_one_loses_without_a_failure(
    machine: Machine, system: windows.System
):
    stream = system.open(device(system, MICROPHONE))
    machine.advance(2.0)
    assert frames(stream) == 2 * 48_000
    machine.advance(60.0)
    assert frames(stream) == 2 * 48_000


def test_the_default_moves_away_and_only_a_look_tells_for_the_old_stream_stays_alive(
    machine: Machine, system: windows.System
):
    machine.play(render(machine, "Speakers"))
    stream = system.open(device(system, LOOPBACK))
    machine.pause(render(machine, "Speakers"))
    machine.make_default(render(machine, "Headset"))
    machine.play(render(machine, "Headset"))
    machine.advance(5.0)

    assert stream.read() is None
    (found,) = [found for found in looked(system) if found.side == LOOPBACK and found.is_default]
    assert found.name == "Headset (USB)"
    following = system.open(found)
    machine.advance(0.1)
    assert frames(following) == 4_410


# What goes and comes


def test_a_device_that_is_removed_is_lost_at_the_next_read(machine: Machine, system: windows.System):
    stream = system.open(device(system, MICROPHONE))
    machine.advance(0.1)
    assert frames(stream) == 4_800
    machine.unplug(microphone(machine))

    with pytest.raises(DeviceLost, match=r"Microphone \(Realtek\).*unplugged.*-9999"):
        stream.read()
    stream.close()


def test_a_stream_that_is_closed_gives_nothing_and_closes_again(system: windows.System):
    stream = system.open(device(system, MICROPHONE))
    stream.close()
    stream.close()

    with pytest.raises(DeviceLost, match="-9988"):
        stream.read()
    system.close()
    stream.close()


def test_a_device_that_is_plugged_in_later_is_unknown_until_the_system_is_renewed(
    machine: Machine, system: windows.System
):
    looked(system)
    machine.plug(Microphone("Camera", 32_000))
    found = device(system, MICROPHONE, "Camera")
    with pytest.raises(DeviceUnknown, match="Camera"):
        system.open(found)

    system.renew()
    system.open(found)
    machine.advance(0.1)
    assert device(system, MICROPHONE, "Camera") == found


def test_a_device_that_was_lost_and_is_there_again_in_another_place_asks_for_a_renewal(
    machine: Machine, system: windows.System
):
    found = device(system, MICROPHONE, "USB")
    stream = system.open(found)
    machine.unplug(microphone(machine, "USB"))
    with pytest.raises(DeviceLost):
        stream.read()
    stream.close()
    with pytest.raises(DeviceLost):  # nobody has seen it again, so a renewal would not help
        system.open(found)
    machine.plug(Microphone("Headset (USB)", 16_000, 1))
    assert found in looked(system)
    with pytest.raises(DeviceUnknown):
        system.open(found)

    system.renew()
    system.open(found)


def test_a_device_that_was_held_by_another_program_while_it_was_recorded_asks_for_one_renewal_and_no_more(
    machine: Machine, system: windows.System
):
    found = device(system, MICROPHONE)
    stream = system.open(found)
    machine.hold(microphone(machine))
    with pytest.raises(DeviceLost):
        stream.read()
    stream.close()
    looked(system)
    with pytest.raises(DeviceUnknown):
        system.open(found)
    system.renew()
    for _ in range(3):
        looked(system)
        with pytest.raises(DeviceLost):
            system.open(found)


def test_a_device_that_came_back_and_was_opened_is_like_any_other(machine: Machine, system: windows.System):
    found, endpoint = device(system, MICROPHONE, "USB"), microphone(machine, "USB")
    stream = system.open(found)
    machine.unplug(endpoint)
    with pytest.raises(DeviceLost):
        stream.read()
    stream.close()
    machine.plug(endpoint)
    assert found in looked(system)
    system.open(found).close()
    looked(system)

    machine.hold(endpoint)
    with pytest.raises(DeviceLost):
        system.open(found)


def test_a_renewal_with_a_stream_open_is_refused(system: windows.System):
    system.open(device(system, MICROPHONE))

    with pytest.raises(AssertionError, match="every stream"):
        system.renew()


# Looks


def test_the_first_look_is_at_the_own_list_and_every_later_one_is_another_process(
    machine: Machine, system: windows.System
):
    looked(system)
    assert len(machine.processes) == 1
    machine.plug(Render("Projector"))
    assert device(system, LOOPBACK, "Projector")
    assert len(machine.processes) == 2

    system.renew()
    assert device(system, LOOPBACK, "Projector")
    assert len(machine.processes) == 2


def test_while_a_look_runs_nothing_is_known_and_a_renewal_forgets_it(
    portaudio: PortAudio, machine: Machine, unpacked: Path
):
    system = windows.System(probe(machine, unpacked, seconds=0.5, every_seconds=15.0))
    before = looked(system)
    assert system.look() is None
    machine.advance(0.5)
    assert system.look() == before
    assert system.look() is None
    machine.advance(0.5)
    assert system.look() is None
    machine.plug(Microphone("Camera"))
    system.renew()
    assert device(system, MICROPHONE, "Camera")
    machine.advance(0.5)
    assert system.look() is None
    system.close()


def test_a_loss_is_followed_by_a_look_at_once(portaudio: PortAudio, machine: Machine, unpacked: Path):
    system = windows.System(probe(machine, unpacked, every_seconds=15.0))
    stream = system.open(device(system, MICROPHONE))
    for _ in range(60):
        system.look()
        machine.advance(1.0)
    assert system.look()
    assert system.look() is None
    machine.unplug(microphone(machine))
    with pytest.raises(DeviceLost):
        stream.read()
    stream.close()

    (found,) = [found for found in looked(system) if found.side == MICROPHONE and found.is_default]
    assert found.name == "Headset (USB)"
    system.close()


def test_a_list_is_read_back_as_it_was_written(system: windows.System):
    devices = [*looked(system), Device(LOOPBACK, "Zoë's 耳机 [Loopback]", "x", 8_000, 1)]

    assert listing.to_json(devices).isascii()
    assert listing.from_json(listing.to_json(devices)) == devices


def test_the_listing_prints_the_devices_and_lets_the_audio_system_go(
    portaudio: PortAudio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(listing, "open_system", lambda wanted: windows.System())

    assert listing.main() == 0
    assert [found.side for found in listing.from_json(capsys.readouterr().out)] == [
        *(MICROPHONE, MICROPHONE),
        *(LOOPBACK, LOOPBACK),
    ]


def test_a_listing_that_cannot_be_made_is_one_line_on_stderr(
    unpacked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(listing, "open_system", lambda wanted: windows.System())

    with installed(None, unpacked):
        assert listing.main() == 1
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.count("\n") == 1
    assert "pip install" in written.err


# The probe, with real processes

SOME = [Device(MICROPHONE, "Microphone", "microphone:Microphone", 48_000, 2, is_default=True)]


class Children:
    """The processes that an probe has started."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(self, *arguments: Any, **how: Any) -> subprocess.Popen[bytes]:
        self.started.append(subprocess.Popen(*arguments, **how))
        return self.started[-1]

    def last_one_ends(self) -> int:
        return self.started[-1].wait(20)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def children() -> Children:
    return Children()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """What the probe's child runs."""
    path = tmp_path / "program.py"
    path.write_text(f"print({listing.to_json(SOME)!r})")
    return path


@pytest.fixture
def asked(program: Path, clock: Clock, children: Children) -> Iterator[DeviceProbe]:
    """An probe over a clock that goes when it is told to."""
    asked = DeviceProbe((sys.executable, str(program)), popen=children, monotonic=clock)
    yield asked
    asked.close()


def test_an_probe_gives_what_its_child_printed_once(asked: DeviceProbe, children: Children):
    assert asked.answer() is None
    asked.ask()
    children.last_one_ends()

    assert asked.answer() == SOME
    assert asked.answer() is None


@pytest.mark.parametrize(
    "code",
    [
        "raise SystemExit(1)",
        f"print({listing.to_json(SOME)!r}); raise SystemExit(1)",
        "print('no JSON')",
        "print('null')",
        "print('[1]')",
        """print('[{"name": "half a device"}]')""",
        "pass",
    ],
)
def test_a_child_that_fails_gives_no_answer_and_the_next_one_does(
    asked: DeviceProbe, children: Children, clock: Clock, program: Path, code: str
):
    right = program.read_text()
    program.write_text(code)
    asked.ask()
    children.last_one_ends()
    assert asked.answer() is None

    program.write_text(right)
    clock.advance(15.0)
    asked.ask()
    children.last_one_ends()
    assert asked.answer() == SOME


def test_a_child_that_prints_more_than_a_pipe_holds_comes_to_its_end(
    asked: DeviceProbe, children: Children, program: Path
):
    program.write_text(f"import json; print(json.dumps(json.loads({listing.to_json(SOME)!r}) * 5_000))")
    asked.ask()
    children.last_one_ends()

    assert asked.answer() == SOME * 5_000


def test_a_child_that_hangs_is_killed_after_ten_seconds_and_nobody_waits_for_it(
    asked: DeviceProbe, children: Children, clock: Clock, program: Path
):
    program.write_text("import time; time.sleep(60)")
    before = time.monotonic()
    asked.ask()
    for _ in range(10):
        clock.advance(1.0)
        assert asked.answer() is None
    with pytest.raises(subprocess.TimeoutExpired):
        children.started[0].wait(0.2)
    clock.advance(0.1)
    assert asked.answer() is None
    assert time.monotonic() - before < 5

    assert children.last_one_ends() != 0
    assert asked.answer() is None
    clock.advance(5.0)
    asked.ask()
    assert len(children.started) == 2


def test_there_is_never_more_than_one_child(children: Children, clock: Clock, program: Path):
    program.write_text("import time; time.sleep(60)")
    asked = DeviceProbe((sys.executable, str(program)), every_seconds=1.0, popen=children, monotonic=clock)
    for _ in range(5):
        asked.ask()
        clock.advance(1.0)
    asked.close()

    assert len(children.started) == 1


def test_a_program_that_is_not_there_gives_no_answer(tmp_path: Path):
    asked = DeviceProbe((str(tmp_path / "nothing"),))
    asked.ask()

    assert asked.answer() is None


def test_children_start_soon_at_first_and_then_every_fifteen_seconds(
    asked: DeviceProbe, children: Children, clock: Clock
):
    started_seconds = []
    for second in range(80):
        if second == 60:
            asked.hurry()
        asked.ask()
        if len(children.started) > len(started_seconds):
            started_seconds.append(second)
            children.last_one_ends()
            assert asked.answer() == SOME
        clock.advance(1.0)

    assert started_seconds == [0, 1, 3, 7, 15, 30, 45, 60, 61, 63, 67, 75]


@pytest.mark.skipif(os.name == "nt", reason="a process of Windows does not say what killed it")
def test_a_closed_probe_leaves_no_child(asked: DeviceProbe, children: Children, program: Path):
    program.write_text("import time; time.sleep(60)")
    asked.ask()
    asked.close()

    assert [process.returncode for process in children.started] == [-signal.SIGKILL]
    assert asked.answer() is None


def test_no_console_window_flashes_up_and_the_child_finds_offhook_from_anywhere(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    how: dict[str, Any] = {}

    def popen(command: Any, **given: Any) -> Any:
        how.update(given, command=command)
        raise OSError("not now")

    DeviceProbe(popen=popen).ask()

    assert how["creationflags"] == 0x08000000
    assert how["cwd"] == ROOT
    assert how["command"][1:] == ("-m", listing.__name__)


# Its thread, its end, and when it is not there


def in_a_thread(life: Callable[[], None]) -> None:
    """Run something in a thread of its own; raise here what it raises there."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            life()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(30)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


def test_a_whole_life_can_be_in_a_thread_that_is_not_the_main_one(
    portaudio: PortAudio, machine: Machine, unpacked: Path
):
    def life() -> None:
        system = windows.System(probe(machine, unpacked))
        for _ in range(2):
            stream = system.open(device(system, MICROPHONE))
            looked(system)
            machine.advance(0.1)
            assert frames(stream) == 4_800
            stream.close()
            system.renew()
        system.open(device(system, LOOPBACK))
        system.close()

    in_a_thread(life)


def test_the_fake_would_object_to_another_thread(machine: Machine, unpacked: Path):
    portaudio = PortAudio(machine)
    with installed(portaudio, unpacked):
        system = windows.System()
        stream = system.open(device(system, MICROPHONE))
        with pytest.raises(AssertionError, match="thread"):
            in_a_thread(lambda: frames(stream) and None)
        system.close()
    assert len(portaudio.faults) == 1


def test_at_its_end_everything_is_closed_and_terminated(
    portaudio: PortAudio, machine: Machine, system: windows.System
):
    for found in looked(system):
        system.open(found)
    machine.unplug(microphone(machine))
    assert len(machine.streams()) == 4
    system.close()

    assert machine.streams() == []
    assert portaudio.initialised == 0
    system.close()
    with pytest.raises(DeviceUnknown):
        system.open(found)


def test_without_wasapi_the_audio_system_is_unavailable_and_left_as_it_was(
    portaudio: PortAudio, machine: Machine
):
    machine.has_wasapi = False

    with pytest.raises(AudioUnavailable, match=r"WASAPI.*Windows Audio"):
        windows.System()
    assert portaudio.initialised == 0


def test_a_system_that_could_not_be_renewed_knows_no_device_and_can_be_renewed_again(
    machine: Machine, system: windows.System
):
    found = device(system, MICROPHONE)
    machine.has_wasapi = False
    with pytest.raises(AudioUnavailable):
        system.renew()
    with pytest.raises(DeviceUnknown):
        system.open(found)

    machine.has_wasapi = True
    system.renew()
    system.open(found)


@pytest.mark.parametrize("is_half_there", [True, False])
def test_a_missing_pyaudiowpatch_is_unavailable_with_a_remedy_and_prints_nothing(
    is_half_there: bool, unpacked: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    portaudio = None if is_half_there else ModuleType("_portaudiowpatch")
    with installed(portaudio, unpacked if is_half_there else tmp_path):
        if not is_half_there:
            sys.modules["pyaudiowpatch"] = None  # type: ignore[assignment]
        with pytest.raises(AudioUnavailable, match=r"pip install pyaudiowpatch"):
            windows.System()

    assert capfd.readouterr().out == ""


def test_pyaudiowpatch_itself_would_print_when_its_c_module_is_missing(
    unpacked: Path, capfd: pytest.CaptureFixture[str]
):
    with installed(None, unpacked), pytest.raises(ImportError):
        __import__("pyaudiowpatch")

    assert "_portaudiowpatch" in capfd.readouterr().out


# The interface


@pytest.mark.parametrize(
    ("protocol", "implementation"),
    [(source.AudioSystem, windows.System), (source.Stream, windows.Stream)],
)
def test_the_methods_are_those_of_the_interface(protocol: type, implementation: type):
    wanted = {name: found for name, found in vars(protocol).items() if _is_public_function(name, found)}
    there = {name: found for name, found in vars(implementation).items() if _is_public_function(name, found)}

    assert len(wanted) >= 2
    assert {name: inspect.signature(found) for name, found in there.items()} == {
        name: inspect.signature(found) for name, found in wanted.items()
    }


def _is_public_function(name: str, found: object) -> bool:
    return inspect.isfunction(found) and not name.startswith("_")
