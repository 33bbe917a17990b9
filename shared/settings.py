"""Settings: one frozen dataclass, with the default, the limits and a line of documentation for each.

Entry points read them once (`shared/settings_sources.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from shared.home import Home
from shared.languages import LANGUAGES
from shared.machine import half_of_memory_gb

GB = 1_000_000_000
#: More than any model needs on a CPU. The default is half of the machine's memory, this at most.
MOST_ENGINE_MEMORY_GB = 16.0
#: More voices are not told apart in one channel.
MOST_VOICES = 8


def _setting(default: Any, doc: str, **limits: Any) -> Any:
    """Declare a setting: its default, its one line of documentation, its limits.

    The limits are `least` and `most` of a number, `choices` of a text, `schemes` of a URL, and `filled` of a
    text that must not be empty. A URL may have a password, so that it is left out of `repr`.
    """
    return field(default=default, repr="schemes" not in limits, metadata={"doc": doc, **limits})


def _option(default: Any, flag: str, doc: str, *, command_help: str = "", **limits: Any) -> Any:
    """Declare a setting that a recording may have of its own: also its command line's `flag` and `help`."""
    return _setting(default, doc, flag=flag, help=f"{command_help or doc.replace('`', '')}.", **limits)


@dataclass(frozen=True)
class RecordOptions:
    """The settings that one recording may override; all others apply to every recording."""

    model: str = _option(
        "tiny.en",
        "--model",
        "Whisper model: a name that `offhook models list` shows, or a folder",
        command_help="Whisper model for this recording",
        filled=True,
    )
    language: str = _option(
        "auto",
        "--language",
        "Language spoken, such as `en` or `de`; `auto` detects it",
        choices=("auto", *LANGUAGES),
    )
    vad: bool = _option(True, "--vad/--no-vad", "Skip what is not speech before decoding")
    word_timestamps: bool = _option(
        True, "--word-timestamps/--no-word-timestamps", "Find the moment of each word"
    )
    initial_prompt: str = _option(
        "", "--initial-prompt", "Text that shows the model spelling and style to expect"
    )
    hotwords: str = _option("", "--hotwords", "Names and terms the model should listen for")
    preset: str = _option(
        "careful",
        "--preset",
        "`careful` misses the fewest words, `fast` takes less time",
        choices=("careful", "fast"),
    )
    beam_size: int = _option(
        0,
        "--beam-size",
        "Alternatives followed while decoding; 0 takes the preset's number",
        least=0,
        most=20,
    )
    voices: bool = _option(True, "--voices/--no-voices", "Tell voices in one channel apart by their sound")
    speakers: int = _option(
        0,
        "--speakers",
        "Number of voices in one channel; 0 estimates it",
        least=0,
        most=MOST_VOICES,
    )
    echo_removal: bool = _option(
        True,
        "--echo-removal/--no-echo-removal",
        "Remove the far side from the microphone's channel of calls with two channels",
    )


#: The names of the options that a recording may have of its own.
RECORD_OPTIONS = tuple(f.name for f in fields(RecordOptions))


@dataclass(frozen=True)
class Settings(RecordOptions, Home):
    """Every setting. Units are in the names, the documentation is beside the default."""

    database: str = _setting(
        "",
        "Database of a team: a URL of PostgreSQL; empty is a file of this home",
        schemes=("postgresql", "postgres"),
    )
    queue_url: str = _setting(
        "",
        "Where hints wait: a URL of PostgreSQL or Redis; empty is the database, or a file of this home",
        schemes=("postgresql", "postgres", "redis", "rediss", "unix"),
    )
    device: str = _setting("auto", "Where the model runs", choices=("auto", "cpu", "cuda"))
    compute_type: str = _setting(
        "auto", "CTranslate2 compute type; `auto` takes the fastest available", filled=True
    )
    cpu_threads: int = _setting(
        0, "Threads of one engine; 0 divides all cores among the workers", least=0, most=256
    )
    lanes: int = _setting(
        0, "Batches decoded at once on a CPU; 0 is the fastest number measured", least=0, most=64
    )
    batch_size: int = _setting(
        0, "Windows decoded together; 0 depends on model, device and memory", least=0, most=256
    )
    workers: int = _setting(1, "Recordings transcribed at once; each loads the model", least=1, most=32)
    gpu_first_minutes: float = _setting(
        10.0,
        "How long machines without a GPU leave a new recording to those with one, in minutes; 0 not at all",
        least=0.0,
        most=100_000,
    )
    keep_in_place: bool = _setting(False, "Leave finished recordings in the inbox instead of the library")
    settle_seconds: float = _setting(
        2.0, "How long a file must stay unchanged before it is taken", least=0.1, most=86_400
    )
    lease_seconds: float = _setting(
        60.0, "How long a silent worker keeps its recording", least=5, most=86_400
    )
    max_attempts: int = _setting(5, "Attempts before a recording counts as failed", least=1, most=1000)
    max_crashes: int = _setting(3, "Crashes before a recording counts as failed", least=1, most=1000)
    largest_file_gb: float = _setting(16.0, "A larger file is refused, in GB", least=0.001, most=10_000)
    longest_hours: float = _setting(24.0, "A longer recording is refused, in hours", least=0.001, most=10_000)
    slowest_decoding: float = _setting(
        1.0,
        "A recording that takes longer to decode is refused, in seconds per second of audio",
        least=0.001,
        most=1000,
    )
    engine_memory_gb: float = _setting(
        half_of_memory_gb(MOST_ENGINE_MEMORY_GB),
        "Memory that one engine may take for its model and its work, in GB; 0 sets no limit",
        least=0.0,
        most=10_000,
    )
    microphone: str = _setting(
        "default", "Microphone to record: part of its name, `default` or `none`", filled=True
    )
    loopback: str = _setting(
        "default", "Output whose sound to record: part of its name, `default` or `none`", filled=True
    )
    layout: str = _setting(
        "mono", "`mono` mixes both sides; `split` keeps a channel for each", choices=("mono", "split")
    )
    finalise: str = _setting(
        "auto",
        "After a stop: `auto` queues the recording, `manual` waits for attach or discard",
        choices=("auto", "manual"),
    )
    longest_recording_minutes: float = _setting(
        720.0, "A recording stops automatically after this time", least=0.01, most=100_000
    )
    stop_after_silence_minutes: float = _setting(
        0.0, "A recording stops after this time of silence on both sides; 0 never", least=0.0, most=100_000
    )
    silence_dbfs: float = _setting(-50.0, "Sound below this level counts as silence", least=-120, most=0)
    live: bool = _setting(True, "Transcribe calls while they are recorded")
    live_cpu_share: float = _setting(0.5, "Share of the cores that this may take", least=0.05, most=1.0)
    live_queue: str = _setting(
        "wait",
        "Queued recordings while a call is transcribed live: they `wait`, or `share` the machine",
        choices=("wait", "share"),
    )
    retention_days: int = _setting(
        0, "Delete finished recordings after this many days; 0 never", least=0, most=36_500
    )
    keep_sent: bool = _setting(
        False, "Keep the recordings here that the joined server has; otherwise they are deleted here"
    )
    playback_gb: float = _setting(
        2.0,
        "Copies of recordings that browsers cannot play take this much at most, in GB",
        least=0.0,
        most=10_000,
    )
    storage: str = _setting(
        "",
        "Where a team's recordings are: a folder that all machines see, or `s3://BUCKET/PREFIX?endpoint=URL`",
    )
    copies_gb: float = _setting(
        20.0, "Copies of recordings from an S3 storage take this much at most, in GB", least=0.0, most=100_000
    )
    consent_reminder: str = _setting("", "Text to show whenever a recording starts")
    my_name: str = _setting("", "Your name, shown for what you say in calls that offhook records")
    names_as_hotwords: bool = _setting(
        False, "Give the names of a recording's people to the model, to listen for"
    )
    voices_model: str = _setting("", "ONNX file of another network that tells voices apart")
    web_port: int = _setting(
        8484, "Port of the desk's server on this machine; 0 takes a free one", least=0, most=65_535
    )
    web_address: str = _setting(
        "127.0.0.1",
        "Address that the desk's server listens on; another needs TLS and a password",
        filled=True,
    )
    web_certificate: str = _setting("", "Certificate of the desk's server for TLS: a PEM file")
    web_key: str = _setting("", "Private key of that certificate: a PEM file")
    web_hosts: str = _setting("", "Further names under which the desk is reached, separated by commas")
    trusted_proxies: str = _setting(
        "", "Proxies in front of the desk's server: addresses and networks, separated by commas"
    )
    hook_private_hosts: str = _setting(
        "", "Hosts of your own network that webhooks may reach, separated by commas"
    )
    metrics_addresses: str = _setting(
        "", "Other machines that may read `/metrics`: addresses and networks, separated by commas"
    )
    log_level: str = _setting("INFO", "How much is logged", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    log_format: str = _setting("text", "How logs are written", choices=("text", "json"))

    @property
    def largest_file_bytes(self) -> float:
        """The largest file that is read."""
        return self.largest_file_gb * GB

    @property
    def playback_bytes(self) -> float:
        """How much the copies for browsers may take."""
        return self.playback_gb * GB

    @property
    def copies_bytes(self) -> float:
        """How much the copies of recordings from an S3 storage may take."""
        return self.copies_gb * GB


DEFAULTS = Settings()
