"""The engine's protocol: commands from the worker, events from the engine, one JSON object a line.

Each line has the `protocol` it speaks and the `type` of its message; the other keys are the message's fields.
A reader passes over fields it does not know, so a later version may add some with a default. A change that a
reader of before would get wrong raises PROTOCOL: the two sides are of different versions while offhook is
updated under a running worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import BadRecording, EngineFailed, EngineUnusable
from shared.settings import RecordOptions
from shared.speakers import VoiceTurn
from shared.words import Segment
from transcribe_worker.engine.message_fields import plain, read_object
from transcribe_worker.engine.setup import Setup, Wishes
from transcribe_worker.media.limits import RecordingLimits

PROTOCOL = 3


class MalformedMessage(ValueError):
    """A line is not a message of this protocol."""


class OtherProtocol(ValueError):
    """The other side speaks another version of the protocol."""


# Commands


@dataclass(frozen=True)
class Load:
    """Load the model in `folder`; `wishes` say how, within `memory_gb` above what the process has."""

    name: str
    folder: Path
    wishes: Wishes = field(default_factory=Wishes)
    memory_gb: float = 0.0  # 0 sets no limit
    tuning: Path | None = None  # the file of measured setups; without one nothing is measured
    is_background: bool = False  # the process gets a low priority, from now on

    @property
    def model_bytes(self) -> int:
        """The size of the weights."""
        weights = self.folder / "model.bin"
        return weights.stat().st_size if weights.is_file() else 0


@dataclass(frozen=True)
class Position:
    """Decoding of a channel goes on at `stretch_seconds`; windows up to `done_seconds` are decoded."""

    stretch_seconds: float
    done_seconds: float
    channel: int | None = None  # None: the recording has one, or its channels are mixed


@dataclass(frozen=True)
class Job:
    """Decode the recording at `path`, from the positions that an earlier attempt has reached."""

    path: Path
    options: RecordOptions
    positions: tuple[Position, ...] = ()
    is_split: bool = False  # its two channels are known to be the two sides of a call
    limits: RecordingLimits = field(default_factory=RecordingLimits)
    language: str = ""  # what an earlier attempt has found
    language_probability: float | None = None
    voices: Path | None = None  # the network that tells voices apart; without one no voices are found
    is_growing: bool = False  # it is still being recorded, until `Ended` comes


@dataclass(frozen=True)
class Cancel:
    """Stop the job."""


@dataclass(frozen=True)
class Ended:
    """The recording of the job grows no more."""


@dataclass(frozen=True)
class Hold:
    """Do nothing for the growing recording while `is_on`: the machine has no time for it."""

    is_on: bool


# Events


@dataclass(frozen=True)
class Ready:
    """The model is loaded."""


@dataclass(frozen=True)
class Reloading:
    """The model is being loaded again, which may take long."""


@dataclass(frozen=True)
class Advanced:
    """The job makes progress; `step_seconds` is how long the model took for its last step."""

    step_seconds: float


@dataclass(frozen=True)
class Opened:
    """The recording is readable; `duration_seconds` is what its container says, None if it does not."""

    duration_seconds: float | None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Levels:
    """The next seconds of `shared.loudness.SideLevels` of two sides, bytes as hexadecimal digits."""

    ticks_per_second: int
    microphone: str
    loopback: str
    echo: str


@dataclass(frozen=True)
class Peaks:
    """The next peaks of each side, as `shared.store.waveforms` has them, bytes as hexadecimal digits."""

    ticks_per_second: int
    sides: tuple[str, ...]


@dataclass(frozen=True)
class DecodedWindow:
    """A window and its segments, in seconds of the recording."""

    start_seconds: float
    end_seconds: float
    segments: tuple[Segment, ...] = ()


@dataclass(frozen=True)
class Decoded:
    """A stretch of a channel is decoded; `windows` is empty where nobody speaks.

    `language` is empty before anybody has spoken. Its probability is None if it was given. `flags` say what
    was noticed in the words so far.
    """

    start_seconds: float
    end_seconds: float
    language: str
    windows: tuple[DecodedWindow, ...] = ()
    language_probability: float | None = None
    flags: tuple[str, ...] = ()
    channel: int | None = None
    speed: float | None = None  # of a growing recording: seconds of speech decoded in a second


@dataclass(frozen=True)
class Provisional:
    """The text of a growing recording after its last stretch, in place of what was sent before.

    It covers a channel up to `end_seconds`. The next `Decoded` of the channel may have other words.
    """

    end_seconds: float
    segments: tuple[Segment, ...] = ()
    channel: int | None = None
    speed: float | None = None  # as in `Decoded`


@dataclass(frozen=True)
class Voices:
    """When which voice speaks, of a recording with one channel whose last stretch is decoded."""

    turns: tuple[VoiceTurn, ...] = ()


@dataclass(frozen=True)
class Spent:
    """Seconds that speech detection, the model and telling voices apart took, summed over all threads."""

    speech: float = 0.0
    model: float = 0.0
    voices: float = 0.0


@dataclass(frozen=True)
class Done:
    """The whole recording is decoded; `duration_seconds` is the audio that was really in it."""

    duration_seconds: float
    flags: tuple[str, ...] = ()
    spent: Spent = field(default_factory=Spent)


@dataclass(frozen=True)
class Failed:
    """The command failed; `bad_input` says that the recording is at fault."""

    code: str
    message: str
    bad_input: bool = False

    def error(self) -> BadRecording | EngineFailed | EngineUnusable:
        """Return the engine's error, with the code it had there."""
        kinds = {EngineUnusable.code: EngineUnusable}
        error = (BadRecording if self.bad_input else kinds.get(self.code, EngineFailed))(self.message)
        error.code = self.code
        return error


@dataclass(frozen=True)
class Cancelled:
    """The job was stopped."""


@dataclass(frozen=True)
class Unknown:
    """A message that only a later version knows."""

    name: str


Command = Load | Job | Cancel | Ended | Hold
#: Events of a job that its caller sees; all others only keep it from being taken for one that hangs.
JobEvent = Opened | Levels | Peaks | Decoded | Provisional | Voices | Done
Event = Ready | Setup | Reloading | Advanced | JobEvent | Failed | Cancelled
COMMANDS: Mapping[str, type[Command]] = {
    "load": Load,
    "transcribe": Job,
    "cancel": Cancel,
    "ended": Ended,
    "hold": Hold,
}
EVENTS: Mapping[str, type[Event]] = {
    "ready": Ready,
    "setup": Setup,
    "reloading": Reloading,
    "advanced": Advanced,
    "opened": Opened,
    "levels": Levels,
    "peaks": Peaks,
    "decoded": Decoded,
    "provisional": Provisional,
    "voices": Voices,
    "done": Done,
    "failed": Failed,
    "cancelled": Cancelled,
}
_MESSAGES: Mapping[str, type[Command | Event]] = {**COMMANDS, **EVENTS}
_NAMES = {kind: name for name, kind in _MESSAGES.items()}


def encode(message: Command | Event) -> str:
    """Write a message as one line."""
    return json.dumps({"protocol": PROTOCOL, "type": _NAMES[type(message)], **plain(message)}) + "\n"


def decode(line: str) -> Command | Event | Unknown:
    """Read a message from its line. Raises MalformedMessage and OtherProtocol."""
    try:
        found = json.loads(line)
        name, protocol = found["type"], found["protocol"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise MalformedMessage(f"The line {line[:80]!r} is not a message.") from None
    if protocol != PROTOCOL:
        raise OtherProtocol(f"It speaks version {protocol} of the engine's protocol, and this is {PROTOCOL}.")
    if name not in _MESSAGES:
        return Unknown(str(name))
    try:
        message: Command | Event = read_object(_MESSAGES[name], found)
    except ValueError as error:
        raise MalformedMessage(f"A message {name!r} is malformed: {error}") from None
    return message
