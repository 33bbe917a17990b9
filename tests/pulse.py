"""A sound server of one's own, without hardware, and what was played found again.

far side:  a file played into the sink `call`  -> call.monitor, the loopback
near side: a file played into the sink `mic`   -> virtmic, the microphone
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from tests.voices import SAMPLE_RATE_HZ, write_wav

RATE_HZ = 48_000
#: A monitor hands out a sound so much later than its player has ended: some blocks.
DELAY_SECONDS = 0.4
#: The least likeness of a sound that was recorded whole: 5 ms that are missing in a piece leave 0.975.
WHOLE = 0.98
MODULES = (
    "module-null-sink sink_name=call rate=48000 norewinds=1",
    "module-null-sink sink_name=mic rate=48000 channels=1 norewinds=1",
    "module-remap-source master=mic.monitor source_name=virtmic remix=no",
)
PULSEAUDIO = (
    *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"),
    *("-L", "module-native-protocol-unix socket={folder}/pulse/native auth-anonymous=1"),
)
#: Name -> its daemons, in the order in which they are started. WirePlumber wants a D-Bus, any.
SERVERS = {
    "PulseAudio": (PULSEAUDIO,),
    "PipeWire": (("pipewire",), ("dbus-run-session", "--", "wireplumber"), ("pipewire-pulse",)),
}
CLIENTS = ("pactl", "paplay")
#: PipeWire moves sound in blocks of 43 ms here. A shared machine may stop it for longer than the usual 21 ms,
#: and then PipeWire itself drops a block.
QUANTUM = """context.properties = {
    default.clock.quantum = 2048
    default.clock.min-quantum = 2048
}
"""


def missing(name: str = "PulseAudio") -> str | None:
    """Say what this machine lacks for a server, if it lacks anything."""
    programs = [*CLIENTS, *(word for daemon in SERVERS[name] for word in (daemon[0], daemon[-1]))]
    absent = [p for p in programs if p[0].isalpha() and " " not in p and shutil.which(p) is None]
    return f"{', '.join(absent)} not installed (see .ci/run for Debian's packages)" if absent else None


@dataclass
class PulseServer:
    """A private sound server in a folder; a context manager."""

    folder: Path
    name: str = "PulseAudio"
    _daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _players: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What makes a process use this server."""
        own = {"HOME": str(self.folder), "XDG_RUNTIME_DIR": str(self.folder)}
        return own | {"PULSE_SERVER": f"unix:{self.folder}/pulse/native"}

    def __enter__(self) -> PulseServer:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Run the daemons, with the devices that every test needs."""
        (self.folder / "pulse").mkdir(exist_ok=True)
        settings = self.folder / ".config" / "pipewire" / "pipewire.conf.d"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "quantum.conf").write_text(QUANTUM)
        with (self.folder / "log").open("ab") as log:
            for command in SERVERS[self.name]:
                words = [word.format(folder=self.folder) for word in command]
                env = {**os.environ, **self.environment}
                env.pop("DBUS_SESSION_BUS_ADDRESS", None)
                self._daemons.append(
                    subprocess.Popen(words, env=env, stdout=log, stderr=log, start_new_session=True)
                )
        self._until(lambda: self._run("pactl", "info").returncode == 0)
        for module in MODULES:
            self.pactl("load-module", *module.split())
        self.make_default("sink", "call")
        self.make_default("source", "virtmic")

    def stop(self) -> None:
        """End the daemons, and what plays."""
        self.silence()
        for daemon in reversed(self._daemons):
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()
        self._daemons.clear()
        shutil.rmtree(self.folder / "pulse", ignore_errors=True)

    def unload(self, text: str) -> None:
        """Take away the module whose arguments have a text."""
        modules = self.pactl("list", "short", "modules").splitlines()
        (number,) = [line.split()[0] for line in modules if text in line]
        self.pactl("unload-module", number)

    def pactl(self, *arguments: str) -> str:
        """Command the daemon."""
        done = self._run("pactl", *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def play(self, sink: str, samples: NDArray[np.float32], rate_hz: int = SAMPLE_RATE_HZ) -> None:
        """Play samples into a sink; returns at once."""
        path = self.folder / f"{sink}-{len(self._players)}.wav"
        write_wav(path, soxr.resample(samples, rate_hz, RATE_HZ), RATE_HZ)
        command = ["paplay", "-d", sink, str(path)]
        self._players.append(subprocess.Popen(command, env={**os.environ, **self.environment}))

    def played_last(self) -> None:
        """Wait until what was begun last has been played."""
        self._players[-1].wait(120)

    def played(self) -> None:
        """Wait until everything has been played, and its last blocks have been handed to who records."""
        for player in self._players:
            player.wait(120)
        self._players.clear()
        time.sleep(DELAY_SECONDS)

    def silence(self) -> None:
        """End what plays."""
        for player in self._players:
            player.kill()
            player.wait()
        self._players.clear()

    def make_default(self, kind: str, device: str) -> None:
        """Make a sink or source the default; PipeWire takes a moment to know a new one."""
        self._until(lambda: self._has_default(kind, device))

    def _has_default(self, kind: str, device: str) -> bool:
        self._run("pactl", f"set-default-{kind}", device)
        return self._run("pactl", f"get-default-{kind}").stdout.strip() == device

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.02)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, **self.environment}
        return subprocess.run(command, env=env, capture_output=True, text=True)


def noise(seconds: float, seed: int = 0, level: float = 0.2) -> NDArray[np.float32]:
    """Noise below 3 kHz, at 16 kHz: unlike itself at every moment, so that a lost block shows."""
    white = np.random.default_rng(seed).normal(size=round(seconds * SAMPLE_RATE_HZ))
    spectrum = np.fft.rfft(white)
    spectrum[np.fft.rfftfreq(len(white), 1 / SAMPLE_RATE_HZ) > 3000] = 0
    found = np.fft.irfft(spectrum, len(white))
    return (level * found / np.abs(found).max()).astype(np.float32)


@dataclass(frozen=True)
class Match:
    """A sound found again in a recording, piece by piece (a tenth of a second each).

    `start` is where it begins, `wander` how far pieces lie from there, in frames; `likeness` how like
    the sound the least like piece is, up to 1: a block that is missing or doubled would show.
    """

    start: int
    wander: float
    likeness: float


PIECE_FRAMES, MARGIN_FRAMES, FINER = SAMPLE_RATE_HZ // 10, 160, 16
#: Pieces quieter than this, as parts of the loudest sample, are not looked at.
QUIET = 0.02


def find(sound: NDArray[np.float32], recording: NDArray[np.float32]) -> Match:
    """Find a sound in a recording at 16 kHz."""
    product = _spectrum(recording, 2 * len(recording)) * np.conj(_spectrum(sound, 2 * len(recording)))
    start = int(np.fft.irfft(product)[: len(recording)].argmax())
    begins = range(0, len(sound) - PIECE_FRAMES, PIECE_FRAMES)
    cut = {begin: sound[begin : begin + PIECE_FRAMES] for begin in begins}
    loud = {begin: piece for begin, piece in cut.items() if piece.std() > QUIET * np.abs(sound).max()}
    pieces = [_piece(piece, recording, start + begin) for begin, piece in loud.items()]
    return Match(start, max(abs(lag) for lag, _ in pieces), min(likeness for _, likeness in pieces))


def _spectrum(samples: NDArray[np.float32], size: int) -> NDArray[np.complex128]:
    return np.fft.rfft(samples, size)


def _piece(sound: NDArray[np.float32], recording: NDArray[np.float32], at: int) -> tuple[float, float]:
    """By how many frames a piece is off its place, and how like it what is there is."""
    around = recording[max(0, at - MARGIN_FRAMES) : at + len(sound) + MARGIN_FRAMES]
    size = 2 * (len(sound) + 2 * MARGIN_FRAMES)
    product = _spectrum(around, size) * np.conj(_spectrum(sound, size))
    fine = np.fft.irfft(product, size * FINER)[: 2 * MARGIN_FRAMES * FINER] * FINER
    energy = np.cumsum(np.square(np.pad(around, (1, size), mode="constant"), dtype=np.float64))
    lags = np.arange(len(fine)) // FINER
    likeness = fine / (np.linalg.norm(sound) * np.sqrt(energy[lags + len(sound)] - energy[lags] + 1e-12))
    best = int(likeness.argmax())
    return best / FINER - min(at, MARGIN_FRAMES), float(likeness[best])
