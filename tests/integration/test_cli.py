"""What each command does, says and returns, above all when something is wrong."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from offhook.cli import COMMANDS, main
from offhook.commands.status import status as status_command
from offhook.desk import desk as offhook_desk
from shared.files import sha256_of
from shared.settings import Settings
from shared.store.claims import Claim, Failure
from shared.store.models import MODELS
from shared.store.records import Records
from shared.store.transitions import STATES
from shared.workers import Presence
from tests.conftest import skip_or_fail
from tests.stage import Stage
from transcribe_worker.model_files import NAMES, bundled_folder

FAULT = "fault in offhook itself"
NOT_TEXT = "Gr\udcc3\udc9f"  # what Python makes of an argument that is no valid text
HEAVY = ("numpy", "faster_whisper", "ctranslate2", "av", "huey", "soxr", "onnxruntime", "watchdog")


@dataclass(frozen=True)
class Done:
    """How a command went."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as strict JSON."""
        return json.loads(self.out, parse_constant=_no_json)


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


@dataclass(frozen=True)
class Cli:
    """The command line of one home, in this process."""

    home: Path

    def __call__(self, *arguments: object) -> Done:
        """Run a command. No traceback may reach a person, and no mistake of theirs is a fault of ours."""
        for model in MODELS:  # what another command or a test has opened is not open for this one
            model._meta.set_database(None)
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
        code: Any = 0
        with redirect_stdout(out), redirect_stderr(err):
            try:
                main(["--home", str(self.home), *map(str, arguments)])
            except SystemExit as ending:
                code = ending.code
        done = Done(code or 0, *(_content(stream) for stream in (out, err)))
        assert "Traceback" not in done.err
        assert FAULT not in done.err, done.err
        return done

    def record(self, record_id: int) -> dict[str, Any]:
        found: dict[str, Any] = self("show", record_id, "--json").json
        return found

    def records(self, *arguments: object) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self("list", "--json", *arguments).json["records"]
        return found


def _content(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer: Any = stream.buffer
    return str(buffer.getvalue().decode("utf-8"))


@pytest.fixture
def cli(settings: Settings) -> Cli:
    """The command line of the fresh home."""
    return Cli(settings.home)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """A file to add; what is in it matters to the worker alone."""
    path = tmp_path / "call.wav"
    path.write_bytes(b"RIFF")
    return path


def claimed(records: Records, title: str, **columns: Any) -> Claim:
    """A recording that a worker holds."""
    record = records.add(source="added", title=title, recording_path=f"/{title}.wav", **columns)
    claim = records.claim(record.id, worker_id="worker-1", model="tiny.en", lease_seconds=60)
    assert claim is not None
    return claim


def completed(records: Records, title: str, *texts: str, **columns: Any) -> int:
    """A recording with a transcript."""
    claim = claimed(records, title, **columns)
    rows = [{"start_seconds": 3661.5 + n, "end_seconds": 3662.25 + n, "text": t} for n, t in enumerate(texts)]
    return int(records.complete(claim, rows, duration_seconds=4000.0, language="en").id)


def failed(records: Records, title: str) -> int:
    """A recording that was given up."""
    failure = Failure("empty_file", f"{title}.wav is empty (0 bytes).")
    return int(records.fail(claimed(records, title), failure).id)


def one_in_each_state(records: Records) -> dict[str, int]:
    """Ids of a completed, a failed, a cancelled, a processing and a queued recording."""
    found = {
        "completed": completed(records, "completed", "Good morning."),
        "failed": failed(records, "failed"),
    }
    found["cancelled"] = records.cancel(claimed(records, "cancelled").record.id).id
    found["processing"] = claimed(records, "processing").record.id
    found["queued"] = records.add(source="added", title="queued", recording_path="/queued.wav").id
    return found


# Usage


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["--nonsense"],
        ["list", "--status", "nonsense"],
        ["list", "--limit", "0"],
        ["list", "--limit", "x"],
        ["show"],
        ["show", "x"],
        ["show", "1", "--format", "doc"],
        ["add"],
        ["add", "a.wav", "b.wav", "--title", "two files"],
        ["add", "a.wav", "--beam-size", "x"],
        ["retry"],
        ["retry", "--failed", "1"],
        ["export"],
        ["export", "--all", "1"],
        ["search"],
        ["status", "--watch", "--json"],
        ["models", "nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_shows_the_usage_on_stderr(cli: Cli, arguments: list[str]) -> None:
    done = cli(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Usage: offhook")


@pytest.mark.parametrize("command", ["show", "transcribe"])
def test_json_and_another_format_do_not_go_together(cli: Cli, wav: Path, command: str) -> None:
    given = {"show": 1, "transcribe": wav}[command]
    assert cli(command, given, "--json", "--format", "srt").code == 2


@pytest.mark.parametrize("command", ["", *sorted(COMMANDS)])
def test_help_goes_to_stdout_and_ends_with_0(cli: Cli, command: str) -> None:
    done = cli(*command.split(), "-h")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"Usage: offhook {command}".rstrip())


@pytest.mark.parametrize(
    "command",
    [["show"], ["show", "--json"], ["retry"], ["cancel"], ["delete", "--yes"], ["export"]],
    ids=" ".join,
)
@pytest.mark.parametrize("record_id", [0, 4711, 10**20], ids=["none", "too high", "beyond SQLite"])
def test_an_unknown_recording_ends_with_1_and_a_remedy(cli: Cli, command: list[str], record_id: int) -> None:
    done = cli(*command, record_id)
    message = f"offhook: There is no recording {record_id}. `offhook list` shows them all.\n"
    assert done == Done(1, "", message)


@pytest.mark.parametrize(
    "arguments", [["list", "--limit", 10**20], ["search", "a", "--limit", 10**20]], ids=["list", "search"]
)
def test_a_limit_beyond_all_bounds_is_no_fault(cli: Cli, arguments: list[object]) -> None:
    assert cli(*arguments).code in (0, 2)


def test_a_priority_beyond_all_bounds_is_no_fault(cli: Cli, wav: Path) -> None:
    assert cli("add", wav, "--priority", 10**20).code in (1, 2)


@pytest.mark.parametrize(
    "arguments",
    [["add", "{wav}", "--title", NOT_TEXT], ["add", "{wav}", "--candidate", NOT_TEXT], ["search", NOT_TEXT]],
    ids=["title", "candidate", "search"],
)
def test_an_argument_that_is_no_valid_text_is_no_fault(cli: Cli, wav: Path, arguments: list[str]) -> None:
    assert cli(*(argument.format(wav=wav) for argument in arguments)).code in (0, 1, 2)


# Settings


def test_config_says_of_each_setting_where_it_comes_from(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    (cli.home / "config.toml").write_text('beam_size = 3\nlanguage = "de"\n')
    monkeypatch.setenv("OFFHOOK_LANGUAGE", "fr")
    found = cli("config", "--json").json["settings"]
    assert {name: found[name]["source"] for name in ("home", "language", "beam_size", "vad")} == {
        "home": "command line",
        "language": "environment",
        "beam_size": str(cli.home / "config.toml"),
        "vad": "default",
    }
    assert [found[name]["value"] for name in ("language", "beam_size", "vad")] == ["fr", 3, True]
    lines = [line.split() for line in cli("config").out.splitlines()]
    assert ["beam_size", "3", str(cli.home / "config.toml")] in [line[:3] for line in lines]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("BEAM_SIZE", "-1", "beam_size must be at least 0 and at most 20, not -1 (environment)."),
        ("BEAM_SIZE", "many", "beam_size must be a whole number, not 'many' (environment)."),
        ("BEAM_SIZE", "", "beam_size must be a whole number, not '' (environment)."),
        ("VAD", "perhaps", "vad must be true or false, not 'perhaps' (environment)."),
        ("DEVICE", "tpu", "device must be one of auto, cpu, cuda, not 'tpu' (environment)."),
        ("SETTLE_SECONDS", "nan", "settle_seconds must be a number, not 'nan' (environment)."),
    ],
)
def test_a_wrong_setting_in_the_environment_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"OFFHOOK_{name}", value)
    assert cli("list") == Done(1, "", f"offhook: {message}\n")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"beam_size = -1", "beam_size must be at least 0 and at most 20, not -1 ({file})."),
        (b"beam_size = 2.7", "beam_size must be a whole number, not 2.7 ({file})."),
        (b"beam_sice = 3", "{file} has an unknown setting: beam_sice."),
        (b"beam_size = = 3", "{file} is not valid TOML"),
        (b"model = '\xff'", "{file} is not valid TOML"),
    ],
)
def test_a_wrong_config_toml_is_named_with_what_is_wrong(cli: Cli, content: bytes, message: str) -> None:
    (cli.home / "config.toml").write_bytes(content)
    done = cli("list")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"offhook: {message.format(file=cli.home / 'config.toml')}")


def test_a_config_toml_that_cannot_be_read_is_named(cli: Cli) -> None:
    (cli.home / "config.toml").mkdir()
    done = cli("list")
    assert done.code == 1
    assert done.err.startswith(f"offhook: {cli.home / 'config.toml'} cannot be read: ")


def test_a_setting_that_does_not_exist_is_answered_with_those_that_do(cli: Cli) -> None:
    (cli.home / "config.toml").write_text("beam_sice = 3")
    assert "beam_size" in cli("list").err


def test_a_setting_without_an_end_is_json_all_the_same(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_LEASE_SECONDS", "inf")
    done = cli("config", "--json")
    assert done.code == 1 or done.json


# A home or a database that cannot be used


def test_a_home_that_cannot_be_made_is_named_with_a_remedy() -> None:
    if not Path("/proc/self").exists():
        pytest.skip("needs a folder in which even root can make nothing (/proc)")
    done = Cli(Path("/proc/offhook"))("list")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("offhook: The folder /proc/offhook cannot be made: ")
    assert "OFFHOOK_HOME" in done.err


def test_a_home_that_is_a_file_is_named_with_a_remedy(wav: Path) -> None:
    done = Cli(wav)("list")
    assert (done.code, done.out) == (1, "")
    assert str(wav) in done.err
    assert "OFFHOOK_HOME" in done.err


def test_a_home_that_may_not_be_written_is_named(cli: Cli) -> None:
    if os.name == "nt" or os.geteuid() == 0:
        pytest.skip("root may write everywhere, and on Windows modes do not keep anybody from writing")
    cli.home.chmod(0o500)
    try:
        done = cli("pause")
    finally:
        cli.home.chmod(0o700)
    assert done.code == 1
    assert str(cli.home) in done.err


@pytest.mark.parametrize("command", [["pause"], ["add", "{wav}"], ["retry", "1"]], ids=lambda c: c[0])
def test_a_locked_database_is_named_after_a_while(
    cli: Cli, records: Records, wav: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    failed(records, "failed")
    monkeypatch.setattr(offhook_desk, "BUSY_TIMEOUT_SECONDS", 0.1)
    with closing(sqlite3.connect(cli.home / "offhook.db", isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        done = cli(*(word.format(wav=wav) for word in command))
        assert len(cli.records()) == 1  # reading goes on
    message = f"offhook: {cli.home / 'offhook.db'} is in use by another program; try again in a moment.\n"
    assert done == Done(1, "", message)


@pytest.mark.parametrize("command", ["status", "list", "pause"])
def test_a_database_that_is_garbage_is_named(cli: Cli, command: str) -> None:
    (cli.home / "offhook.db").write_bytes(bytes(range(256)) * 40)
    done = cli(command)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"offhook: {cli.home / 'offhook.db'} cannot be used: file is not a database.")
    assert "`offhook doctor`" in done.err
    assert (cli.home / "offhook.db").read_bytes() == bytes(range(256)) * 40


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on the size of a file")
def test_a_full_disk_is_told_from_a_damaged_database(records: Records, settings: Settings) -> None:
    for number in range(20):
        completed(records, f"call {number}", "Hello. " * 200)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))"
    command = [sys.executable, "-c", f"{limit}; from offhook.cli import main; main()", "retry", "1"]
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", timeout=60, env=Stage(settings.home).environment
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("Make room and try again.\n")
    assert records.get(1).transcription_status == "completed"


def test_a_database_of_a_newer_offhook_is_left_alone(cli: Cli, records: Records) -> None:
    with closing(sqlite3.connect(cli.home / "offhook.db")) as database, database:
        database.execute("INSERT INTO migrations VALUES ('9999_from_the_future')")
    for command in (["list"], ["pause"]):
        done = cli(*command)
        assert (done.code, done.out) == (1, "")
        assert "was written by a newer offhook (it has 9999_from_the_future)" in done.err
        assert "update offhook" in done.err


def test_a_queue_that_cannot_be_used_keeps_nothing_from_being_queued(cli: Cli, wav: Path) -> None:
    """Hints may be lost without harm, so what cannot be hinted is queued all the same."""
    (cli.home / "queue.db").write_bytes(b"no database at all, but long enough to be looked at")
    assert cli("add", wav) == Done(0, "Recording 1: queued\n", "")
    assert cli("cancel", 1).code == 0
    assert cli("retry", 1).code == 0
    assert cli("resume").code == 0


def test_a_fault_of_offhooks_own_ends_with_1_wherever_its_details_can_be_written(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("not thought of")

    (tmp_path / "offhook-fault.txt").mkdir()  # as if it were another person's
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(status_command, "callback", fail)
    err = io.StringIO()
    with redirect_stderr(err), pytest.raises(SystemExit) as ending:
        main(["--home", str(cli.home), "status"])
    assert ending.value.code == 1
    assert "not thought of" in err.getvalue()
    assert "Traceback" not in err.getvalue()


# list


@pytest.mark.parametrize("state", STATES)
def test_list_shows_the_recordings_in_one_state(cli: Cli, records: Records, state: str) -> None:
    ids = one_in_each_state(records)
    assert [record["id"] for record in cli.records("--status", state)] == [ids[state]]
    assert [record["status"] for record in cli.records("--status", state)] == [state]


def test_list_shows_the_newest_first_and_no_more_than_asked_for(cli: Cli, records: Records) -> None:
    for number in range(25):
        records.add(source="added", title=f"call {number}", recording_path=f"/{number}.wav")
    assert [record["id"] for record in cli.records()] == list(range(25, 5, -1))
    assert [record["id"] for record in cli.records("--limit", 2)] == [25, 24]
    assert [record["id"] for record in cli.records("--limit", 1000)] == list(range(25, 0, -1))


def test_list_says_why_a_recording_failed(cli: Cli, records: Records) -> None:
    one_in_each_state(records)
    out = cli("list").out
    assert "failed.wav is empty (0 bytes)." in out
    assert "processing 0%" in out
    assert out.splitlines()[0].split() == ["ID", "Title", "Length", "Status", "Added"]


def test_a_list_with_a_filter_that_nothing_passes_does_not_say_that_there_are_no_recordings(
    cli: Cli, records: Records
) -> None:
    completed(records, "call", "Good morning.")
    done = cli("list", "--status", "failed")
    assert "Drop one into" not in done.out + done.err


def test_an_empty_list_says_so_on_stderr_as_an_empty_search_does(cli: Cli) -> None:
    for command in (["list"], ["search", "word"]):
        done = cli(*command)
        assert (done.code, done.out) == (0, "")
        assert done.err


@pytest.mark.parametrize("title", ["[red]call[/red]", "[/]", "call :phone: ]", "a\\", "=1+1", "-x"])
def test_a_title_is_shown_as_it_is(cli: Cli, records: Records, title: str) -> None:
    record_id = completed(records, title, "Good morning.")
    claimed(records, title)
    assert title in cli("list").out
    assert title in cli("show", record_id).out
    assert title in cli("search", "morning").out
    assert title in cli("status").out


def test_a_title_of_two_lines_makes_one_line_of_a_search(cli: Cli, records: Records) -> None:
    completed(records, "first\nsecond", "Good morning.")
    assert len(cli("search", "morning").out.splitlines()) == 1


# show


def test_show_prints_a_transcript_in_every_format(cli: Cli, records: Records) -> None:
    record_id = completed(records, "call", "Good <morning>.", "Grüße!")
    shown = {form: cli("show", record_id, "--format", form).out for form in ("txt", "srt", "vtt", "json")}
    assert shown["txt"] == "Good <morning>.\nGrüße!\n"
    assert shown["srt"].startswith("1\n01:01:01,500 --> 01:01:02,250\nGood <morning>.\n\n2\n")
    assert shown["vtt"].startswith("WEBVTT\n\n01:01:01.500 --> 01:01:02.250\nGood &lt;morning&gt;.\n")
    assert [s["text"] for s in json.loads(shown["json"])["segments"]] == ["Good <morning>.", "Grüße!"]


def test_show_says_what_is_known_of_a_recording(cli: Cli, records: Records) -> None:
    claim = claimed(records, "call", candidate_id="C-17", project_id="P-3", flags='["cut_short"]')
    records.complete(claim, [{"start_seconds": 1, "end_seconds": 2, "text": "Hello."}], duration_seconds=65.0)
    out = cli("show", 1).out
    for part in ("1  call", "completed", "1:05", "C-17", "P-3", "/call.wav", "[00:00:01] Hello."):
        assert part in out
    assert "Note:       the file ends before its header says; what is there was used" in out
    assert "Library:    not there yet; a worker sees to it" in out


def test_show_has_what_is_decoded_so_far(cli: Cli, records: Records) -> None:
    claim = claimed(records, "call")
    segment = {"start_seconds": 1.0, "end_seconds": 2.0, "text": "So far.", "words": None}
    measures = {"average_log_probability": -0.1, "no_speech_probability": 0.0, "compression_ratio": 1.0}
    window = {"start_seconds": 0.0, "end_seconds": 28.0, "stretch_seconds": 0.0}
    records.save_windows(claim, [window | {"segments": json.dumps([segment | measures])}], progress=0.4)
    done = cli("show", 1)
    assert "Status:     processing 40%" in done.out
    assert "[00:00:01] So far." in done.out
    assert [s["text"] for s in cli.record(1)["transcript"]] == ["So far."]


@pytest.mark.parametrize("state", [state for state in STATES if state != "completed"])
def test_a_transcript_that_is_not_finished_is_not_printed_alone(
    cli: Cli, records: Records, state: str
) -> None:
    record_id = one_in_each_state(records)[state]
    done = cli("show", record_id, "--format", "txt")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"offhook: Recording {record_id} is {state}. ")


def test_nobody_is_told_to_wait_for_a_cancelled_recording(cli: Cli, records: Records) -> None:
    record_id = one_in_each_state(records)["cancelled"]
    done = cli("show", record_id, "--format", "txt")
    assert "shows how far it is" not in done.err
    assert "offhook retry" in done.err


@pytest.mark.parametrize("state", [state for state in STATES if state != "completed"])
def test_only_a_finished_recording_is_said_to_have_no_speech(cli: Cli, records: Records, state: str) -> None:
    assert "no speech" not in cli("show", one_in_each_state(records)[state]).out


def test_a_finished_recording_without_speech_is_said_to_have_none(cli: Cli, records: Records) -> None:
    assert "(no speech was found)" in cli("show", completed(records, "silence")).out


# export


def test_export_writes_into_a_folder_that_it_makes(cli: Cli, records: Records, tmp_path: Path) -> None:
    one, two = completed(records, "call", "One."), completed(records, "call", "Two.")
    folder = tmp_path / "new" / "folder"
    done = cli("export", one, two, "-o", folder)
    assert (done.code, done.err) == (0, "")
    assert [Path(line).read_text() for line in done.out.splitlines()] == ["One.\n", "Two.\n"]
    assert sorted(p.name for p in folder.iterdir()) == ["call-1.txt", "call-2.txt"]


def test_export_all_writes_what_is_finished_and_nothing_else(
    cli: Cli, records: Records, tmp_path: Path
) -> None:
    one_in_each_state(records)
    completed(records, "another", "Two.")
    done = cli("export", "--all", "--format", "json", "--output", tmp_path / "out")
    assert done.code == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["another-6.json", "completed-1.json"]


def test_export_replaces_what_it_wrote_before(cli: Cli, records: Records, tmp_path: Path) -> None:
    (tmp_path / "call-1.txt").write_text("old")
    completed(records, "call", "New.")
    assert cli("export", 1, "-o", tmp_path).code == 0
    assert (tmp_path / "call-1.txt").read_text() == "New.\n"


def test_export_writes_nowhere_but_into_its_folder(cli: Cli, records: Records, tmp_path: Path) -> None:
    for title in ("../../up", "/etc/passwd", "CON", "a\nb", "..", ""):
        completed(records, title, "Hello.")
    done = cli("export", "--all", "-o", tmp_path / "out")
    assert done.code == 0
    assert len(list((tmp_path / "out").iterdir())) == 6


def test_export_writes_nothing_into_the_home_that_a_deletion_would_not_know_of(
    cli: Cli, records: Records, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    completed(records, "call", "Hello.")
    before = set(settings.home.rglob("*"))
    for folder in (settings.home / "exports", settings.library, tmp_path / ".." / settings.home):
        assert "Choose a folder outside" in cli("export", 1, "-o", folder).err
    monkeypatch.chdir(settings.home)
    assert cli("export", "--all").code == 2
    assert {path for path in settings.home.rglob("*") if not path.name.startswith("offhook.db")} <= before


def test_export_of_an_unfinished_recording_says_so(cli: Cli, records: Records, tmp_path: Path) -> None:
    record_id = one_in_each_state(records)["failed"]
    done = cli("export", record_id, "-o", tmp_path)
    assert done == Done(1, "", f"offhook: Recording {record_id} is failed. failed.wav is empty (0 bytes).\n")


def test_export_into_a_file_or_a_place_that_takes_nothing_says_so(
    cli: Cli, records: Records, wav: Path
) -> None:
    completed(records, "call", "Hello.")
    assert cli("export", 1, "-o", wav).code == 2
    done = cli("export", 1, "-o", wav / "below")
    assert (done.code, done.out) == (1, "")
    assert str(wav) in done.err


# search


@pytest.mark.parametrize(
    "words",
    [
        ["grüße"],
        ["GRÜßE"],
        ["Gr*"],
        ["weber", "grüße"],
        ["grüße weber"],
        ['"grüße"'],
        ["(grüße)"],
        ["--", "-grüße"],
        ["grüße*", '"weber'],
        ["o'brien"],
        ["e-mail"],
    ],
    ids=" ".join,
)
def test_search_finds_what_was_said(cli: Cli, records: Records, words: list[str]) -> None:
    completed(records, "call", "Grüße an Frau Weber.", "An O'Brien per E-Mail.", "Nothing else.")
    done = cli("search", *words)
    assert (done.code, len(done.out.splitlines())) == (0, 1), done


@pytest.mark.parametrize(
    "words",
    [["*"], ['"'], ["''"], ["NEAR(a,b)"], ["grüße", "OR", "weber"], ["text:grüße"], ["^grüße"], ["absent"]],
    ids=" ".join,
)
def test_what_is_not_there_is_not_found_whatever_signs_are_in_it(
    cli: Cli, records: Records, words: list[str]
) -> None:
    completed(records, "call", "Nothing of that kind.")
    assert cli("search", *words) == Done(0, "", "Nothing found.\n")
    assert cli("search", *words, "--json").json == {"hits": []}


def test_search_shows_moment_title_and_words_of_the_newest_first(cli: Cli, records: Records) -> None:
    completed(records, "old", "Good morning.")
    completed(records, "new", "Good morning, good evening.")
    lines = cli("search", "good", "morning").out.splitlines()
    assert lines == [
        "    2  01:01:01  new: [Good] [morning], [good] evening.",
        "    1  01:01:01  old: [Good] [morning].",
    ]
    assert [hit["record_id"] for hit in cli("search", "good", "--limit", 1, "--json").json["hits"]] == [2]


def test_nothing_is_found_of_what_is_deleted(cli: Cli, records: Records) -> None:
    completed(records, "deleted", "Good morning.")
    cli("delete", "--yes", 1)
    assert cli("search", "morning").out == ""


# add


def test_a_file_that_is_added_stays_where_it_is_and_is_queued_once(cli: Cli, wav: Path) -> None:
    assert cli("add", wav) == Done(0, "Recording 1: queued\n", "")
    assert cli("add", wav) == Done(0, "Recording 1: queued (known already)\n", "")
    copy = Path(shutil.copy(wav, wav.with_name("a copy.wav")))
    assert cli("add", copy) == Done(0, "Recording 1: queued (known already)\n", "")
    (record,) = cli.records()
    assert (record["recording_path"], record["title"], record["source"]) == (str(wav), "call", "added")
    assert wav.exists()


def test_what_is_said_of_a_recording_is_stored_with_it(cli: Cli, wav: Path) -> None:
    given = ("--title", "Größe", "--candidate", "C-17", "--project", "P", "--priority", "-3")
    (record,) = cli("add", wav, *given, "--json").json["records"]
    assert [record[key] for key in ("title", "candidate_id", "project_id", "priority")] == [
        "Größe",
        "C-17",
        "P",
        -3,
    ]
    own = {key: value for key, value in cli.record(1).items() if key not in ("transcript", "capture")}
    assert record == own


def test_options_are_stored_with_their_recording_alone(cli: Cli, wav: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(b"other")
    texts = ("--language", "en", "--hotwords", "Weber, Berlin", "--initial-prompt", "")
    cli("add", wav, "--no-vad", "--word-timestamps", "--beam-size", 3, *texts)
    cli("add", other)
    assert cli.record(1)["options"] == {
        "language": "en",
        "vad": False,
        "word_timestamps": True,
        "initial_prompt": "",
        "hotwords": "Weber, Berlin",
        "beam_size": 3,
    }
    assert cli.record(2)["options"] == {}


def test_an_option_out_of_its_limits_is_refused_and_queues_nothing(cli: Cli, wav: Path) -> None:
    message = "offhook: beam_size must be at least 0 and at most 20, not 21 (command line).\n"
    assert cli("add", wav, "--beam-size", 21) == Done(1, "", message)
    assert cli.records() == []


def test_a_missing_file_or_a_folder_is_named(cli: Cli, tmp_path: Path) -> None:
    missing = tmp_path / "missing.wav"
    assert cli("add", missing) == Done(1, "", f"offhook: There is no file {missing}.\n")
    done = cli("add", tmp_path)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"offhook: {tmp_path} is a folder.")
    assert cli.records() == []


def test_what_is_no_file_is_not_waited_for(cli: Cli, tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "pipe.wav")
    assert "is not a regular file" in cli("add", tmp_path / "pipe.wav").err


def test_what_was_queued_before_a_missing_file_is_said(cli: Cli, wav: Path, tmp_path: Path) -> None:
    done = cli("add", wav, tmp_path / "missing.wav")
    assert done.code == 1
    queued = "".join(f"Recording {record['id']}: queued\n" for record in cli.records())
    assert done.out == queued


def test_adding_what_failed_or_was_cancelled_queues_it_again(cli: Cli, wav: Path) -> None:
    cli("add", wav)
    cli("cancel", 1)
    assert cli("add", wav) == Done(0, "Recording 1: queued (known already)\n", "")


def test_a_model_that_nobody_has_is_not_recommended_for_pulling(cli: Cli, wav: Path) -> None:
    """Either the name is refused at once, or the remedy that status shows is one that works."""
    if cli("add", wav, "--model", "tinny.en").code != 0:
        return
    (missing,) = cli("status", "--json").json["missing_models"]
    assert missing["records"] == 1
    _, _, advised = missing["message"].partition("offhook models pull ")
    assert not advised or advised in NAMES


def test_pulling_a_model_that_does_not_exist_is_refused_before_the_network_is_asked(cli: Cli) -> None:
    message = "offhook: There is no model nonsense. `offhook models list` shows them all.\n"
    assert cli("models", "pull", "nonsense") == Done(1, "", message)


# retry, cancel, pause, resume, delete


def test_retry_failed_queues_every_failed_recording_and_no_other(cli: Cli, records: Records) -> None:
    one_in_each_state(records)
    failed(records, "failed too")
    assert cli("retry", "--failed") == Done(0, "Recording 2: queued\nRecording 6: queued\n", "")
    record = cli.record(2)
    fresh = (record["status"], record["attempts"], record["error"], record["error_code"])
    assert fresh == ("queued", 0, None, None)
    assert cli("retry", "--failed").out == ""


def test_retry_keeps_the_transcript_until_there_is_another_and_adds_its_options(
    cli: Cli, records: Records
) -> None:
    completed(records, "call", "Good morning.")
    assert cli("retry", 1, "--language", "en", "--no-vad").code == 0
    record = cli.record(1)
    assert [segment["text"] for segment in record["transcript"]] == ["Good morning."]
    assert record["options"] == {"language": "en", "vad": False}


def test_what_is_in_the_queue_cannot_be_retried(cli: Cli, records: Records) -> None:
    record_id = one_in_each_state(records)["processing"]
    message = f"offhook: Recording {record_id} is processing. It is in the queue already.\n"
    assert cli("retry", record_id) == Done(1, "", message)


@pytest.mark.parametrize("state", ["queued", "processing", "failed"])
def test_cancel_takes_a_recording_out_of_the_queue(cli: Cli, records: Records, state: str) -> None:
    record_id = one_in_each_state(records)[state]
    assert cli("cancel", record_id) == Done(0, f"Recording {record_id}: cancelled\n", "")
    assert cli.record(record_id)["status"] == "cancelled"


@pytest.mark.parametrize("state", ["completed", "cancelled"])
def test_what_is_over_cannot_be_cancelled(cli: Cli, records: Records, state: str) -> None:
    record_id = one_in_each_state(records)[state]
    message = f"offhook: Recording {record_id} is {state}. There is nothing to cancel.\n"
    assert cli("cancel", record_id) == Done(1, "", message)
    assert cli.record(record_id)["status"] == state


def test_a_pause_holds_until_it_is_over(cli: Cli, wav: Path) -> None:
    assert cli("pause") == Done(0, "Paused. `offhook resume` goes on.\n", "")
    assert cli("pause").code == 0
    assert cli("add", wav).code == 0
    assert cli("transcribe", wav).err == "offhook: The queue is paused. `offhook resume` goes on.\n"
    assert cli("status", "--json").json["paused"] is True
    assert "PAUSED" in cli("status").out
    assert cli("resume") == Done(0, "The queue goes on.\n", "")
    assert cli("status", "--json").json["paused"] is False


def test_delete_refuses_where_nobody_can_be_asked(cli: Cli, records: Records) -> None:
    completed(records, "call", "Good morning.")
    done = cli("delete", 1)
    assert (done.code, done.out) == (1, "")
    assert "--yes" in done.err
    assert cli.record(1)["status"] == "completed"


def test_delete_refuses_without_any_input(records: Records, settings: Settings) -> None:
    """As started by some services, with stdin closed."""
    completed(records, "call", "Good morning.")
    if os.name == "nt":
        pytest.skip("needs a shell that closes a descriptor")
    command = f"exec {sys.executable} -m offhook delete 1 <&-"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, env=Stage(settings.home).environment
    )
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_delete_asks_and_names_the_files(
    records: Records, settings: Settings, answer: str, code: int
) -> None:
    pty = pytest.importorskip("pty", reason="needs a pseudo-terminal")
    recording = settings.inbox / "call.wav"
    recording.touch()
    records.add(source="inbox", title="call", recording_path=str(recording))
    terminal, inner = pty.openpty()
    with os.fdopen(terminal, "r+b", buffering=0) as terminal_file, os.fdopen(inner) as stdin:
        terminal_file.write(f"{answer}\n".encode())
        done = Stage(settings.home).offhook("delete", "1", stdin=stdin)
    assert done.returncode == code
    assert 'Delete recording 1 "call" and its files?' in done.stdout + done.stderr
    assert str(recording) in done.stdout + done.stderr
    assert recording.exists() is (answer == "n")


def test_delete_removes_all_files_of_ours_and_none_of_others(
    cli: Cli, records: Records, settings: Settings, wav: Path
) -> None:
    dropped = settings.inbox / "dropped.wav"
    dropped.touch()
    records.add(source="inbox", title="dropped", recording_path=str(dropped))
    cli("add", wav)
    assert cli("delete", "--yes", 1, 2).out == "Recording 1: deleted\nRecording 2: deleted\n"
    assert not dropped.exists()
    assert wav.exists()
    assert cli.records() == []


def test_delete_deletes_nothing_if_one_of_the_recordings_is_unknown(cli: Cli, records: Records) -> None:
    completed(records, "call", "Good morning.")
    assert cli("delete", "--yes", 1, 4711).code == 1
    assert len(cli.records()) == 1


def test_the_number_of_a_deleted_recording_is_not_given_to_another(
    cli: Cli, wav: Path, tmp_path: Path
) -> None:
    """A number in somebody's notes or script would name another call, and `delete` would delete it."""
    cli("add", wav)
    cli("delete", "--yes", 1)
    other = tmp_path / "other.wav"
    other.write_bytes(b"other")
    assert cli("add", other).out == "Recording 2: queued\n"


# transcribe


def test_transcribe_prints_what_is_known_at_once(cli: Cli, records: Records, wav: Path) -> None:
    record_id = completed(records, "call", "Good morning.", sha256=sha256_of(wav))
    done = cli("transcribe", wav, "--format", "txt")
    assert (done.code, done.out) == (0, "Good morning.\n")
    (record,) = cli("transcribe", wav, "--json").json["records"]
    assert (record["id"], record["text"]) == (record_id, "Good morning.")


def test_transcribe_says_at_once_that_a_model_is_missing(cli: Cli, wav: Path) -> None:
    done = cli("transcribe", wav, "--model", "small")
    message = "offhook: The model small is not on this machine. Run: offhook models pull small\n"
    assert done == Done(1, "", message)
    assert cli.records() == []


def test_transcribe_does_not_wait_for_a_model_that_is_missing(settings: Settings, wav: Path) -> None:
    """The recording is in the queue already, with a model that is not here."""
    stage = Stage(settings.home)
    assert stage.offhook("add", wav, "--model", "small").returncode == 0
    try:
        done = stage.offhook("transcribe", wav, timeout=5)
    except subprocess.TimeoutExpired:
        pytest.fail("transcribe waits for ever and says nothing")
    assert done.returncode == 1
    assert "offhook models pull small" in done.stderr


# doctor


def test_doctor_finds_a_healthy_home_healthy(cli: Cli, records: Records, settings: Settings) -> None:
    if bundled_folder() is None:
        skip_or_fail("the model tiny.en is not installed")
    database = records._database
    living = [Presence(database, settings.locks, kind).enter() for kind in ("worker", "inbox")]
    try:
        done = cli("doctor")
        checks = cli("doctor", "--json").json["checks"]
    finally:
        for presence in living:
            presence._lock.release()
    assert (done.code, done.err) == (0, "")
    assert {check["state"] for check in checks} <= {"ok", "warning"}
    assert all(line.startswith(("✓", "!", " ")) for line in done.out.splitlines())
    assert "1 worker running" in done.out
    assert "1 inbox running" in done.out


def test_doctor_says_that_no_worker_runs_and_what_to_do(cli: Cli) -> None:
    out = cli("doctor").out
    assert "No worker runs, so nothing is transcribed" in out
    assert "Run python start.py." in out


def broken(cli: Cli) -> dict[str, dict[str, Any]]:
    """What doctor finds wrong, by check."""
    done = cli("doctor", "--json")
    assert done.code == 1
    assert "✗" in cli("doctor").out
    return {check["check"]: check for check in done.json["checks"] if check["state"] == "error"}


def test_doctor_finds_a_missing_model(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFHOOK_MODEL", "small")
    found = broken(cli)
    assert "offhook models pull small" in found["model"]["message"] + str(found["model"]["remedy"])


def test_doctor_finds_a_broken_database_and_does_not_blame_the_installation(cli: Cli) -> None:
    (cli.home / "offhook.db").write_bytes(bytes(range(256)) * 40)
    found = broken(cli)
    assert "file is not a database" in found["database"]["message"]
    assert str(cli.home / "offhook.db") in str(found["database"])
    assert "install" not in found["database"]["remedy"]


def test_doctor_names_a_wrong_setting_once(cli: Cli) -> None:
    (cli.home / "config.toml").write_text("beam_sice = 3")
    done = cli("doctor")
    assert done.code == 1
    assert done.out.count("unknown setting") == 1


def test_doctor_finds_a_home_that_is_a_file(wav: Path) -> None:
    found = broken(Cli(wav))
    assert "OFFHOOK_HOME" in str(found)


# status


def test_status_shows_what_runs_waits_and_went_wrong(cli: Cli, records: Records) -> None:
    one_in_each_state(records)
    out = cli("status").out
    for part in (
        "1 queued   1 processing   1 completed   1 failed   1 cancelled",
        "oldest waiting: 5 queued",
        "4  processing",
        "No worker runs, so nothing is transcribed. Start one: python start.py",
        "2 failed (failed): failed.wav is empty (0 bytes).",
    ):
        assert part in out


def test_status_does_not_watch_a_pipe(cli: Cli) -> None:
    done = cli("status", "--watch")
    assert (done.code, done.out) == (1, "")
    assert "--json" in done.err


def test_status_loads_nothing_heavy(settings: Settings) -> None:
    at_the_end = "import atexit, sys; atexit.register(lambda: print(*sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", f"{at_the_end}; from offhook.cli import main; main()", "status"],
        capture_output=True,
        text=True,
        env=Stage(settings.home).environment,
    )
    loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
    assert {"peewee", "rich"} <= loaded
    assert loaded.isdisjoint(HEAVY), loaded.intersection(HEAVY)


# Output


def test_json_is_valid_whatever_is_in_a_title(cli: Cli, records: Records) -> None:
    title = 'Größe 北京 🎧 "x" \\ \u2028 \x1b[31m \n'
    completed(records, title, "Grüße\x00 🎧")
    for command in (["list"], ["show", 1], ["search", "gru*"], ["status"], ["config"], ["models", "list"]):
        assert cli(*command, "--json").json
    assert cli.record(1)["title"] == title


@pytest.mark.parametrize(
    "locale",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C"},
        {"PYTHONIOENCODING": "cp1252"},
    ],
    ids=["ascii", "C", "cp1252"],
)
def test_any_transcript_is_printed_under_any_locale(
    records: Records, settings: Settings, tmp_path: Path, locale: dict[str, str]
) -> None:
    completed(records, "Größe 北京", "Grüße 🎧")
    failed(records, "Löwe")
    stage = Stage(settings.home, tuple(locale.items()))
    commands = (
        ["show", "1"],
        ["list"],
        ["search", "gr*"],
        ["export", "1", "-o", tmp_path],
        ["list", "--json"],
        ["show", "--format", "srt", "1"],
    )
    for command in commands:
        done = stage.offhook(*command)
        assert (done.returncode, done.stderr) == (0, ""), command
        assert "Gr" in done.stdout
        assert "ß" in done.stdout
    done = stage.offhook("show", "2", "--format", "txt")
    assert done.stderr == "offhook: Recording 2 is failed. Löwe.wav is empty (0 bytes).\n"


def test_a_pipe_gets_no_colour_and_nothing_but_results(records: Records, settings: Settings) -> None:
    one_in_each_state(records)
    stage = Stage(settings.home, (("TERM", "xterm-256color"),))
    for command in (["list"], ["status"], ["show", "1"], ["config"]):
        done = stage.offhook(*command)
        assert "\x1b" not in done.stdout
        assert done.stderr == ""


def test_a_reader_that_goes_away_early_is_no_error_to_speak_of(records: Records, settings: Settings) -> None:
    for number in range(300):
        records.add(source="added", title=f"call {number}" * 20, recording_path=f"/{number}.wav")
    command = [sys.executable, "-m", "offhook", "list", "--limit", "1000", "--json"]
    with subprocess.Popen(
        command, env=Stage(settings.home).environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_a_full_disk_behind_the_output_is_an_error(records: Records, settings: Settings) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    completed(records, "call", "Good morning.")
    with Path("/dev/full").open("w") as full:
        done = Stage(settings.home).offhook(
            "show", "1", capture_output=False, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert done.stderr.startswith("offhook: ")
    assert "Traceback" not in done.stderr
