"""Programs that are started without a stdin, stdout or stderr do their work, and write into no other file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from offhook.cli import COMMANDS
from tests import looks
from tests.stage import ROOT, Stage, end
from tests.voices import Call, write_wav

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")

#: Arguments with which a command says something, on a home with two queued recordings; codes it may end with.
ARGUMENTS: dict[str, tuple[tuple[str, ...], set[int]]] = {
    "add": (("add", "{file}"), {0}),
    "attach": (("attach", "1", "--candidate", "c-1"), {0}),
    "audit": (("audit",), {0}),
    "autostart": (("autostart", "status"), {0}),
    "backup": (("backup", "{folder}"), {0}),
    "cancel": (("cancel", "1"), {0}),
    "config": (("config",), {0}),
    "delete": (("delete", "1", "--yes"), {0}),
    "devices": (("devices",), {0, 1}),
    "doctor": (("doctor",), {0, 1}),
    "edit": (("edit", "1"), {1}),
    "export": (("export", "1", "--output", "{folder}"), {1}),
    "hooks": (("hooks", "list"), {0}),
    "join": (("join", "http://127.0.0.1:9", "--token", "t"), {1}),
    "leave": (("leave", "--yes"), {1}),
    "list": (("list",), {0}),
    "machines": (("machines", "list"), {0}),
    "migrate-to": (("migrate-to", "postgresql://offhook@/none?host=/nowhere", "--storage", "{folder}"), {1}),
    "models": (("models", "list"), {0}),
    "note": (("note", "1", "Ask again", "--at", "0:01"), {0}),
    "open": (("open", "--print"), {1}),
    "outbox": (("outbox",), {0}),
    "password": (("password", "--remove"), {0}),
    "pause": (("pause",), {0}),
    "person": (("person", "list"), {0}),
    "prune": (("prune", "--older-than", "90d", "--yes"), {0}),
    "rebuild": (("rebuild",), {0}),
    "record": (("record", "state"), {1}),
    "relabel": (("relabel", "--all"), {0}),
    "replace": (("replace", "old", "new", "--everywhere", "--yes"), {0}),
    "restore": (("restore", "{folder}"), {1}),
    "resume": (("resume",), {0}),
    "retry": (("retry", "--failed"), {0}),
    "search": (("search", "anything"), {0}),
    "show": (("show", "1"), {0}),
    "speaker": (("speaker", "1"), {1}),
    "status": (("status",), {0}),
    "token": (("token", "create", "my script"), {0}),
    "transcribe": (("transcribe", "{missing}"), {1}),
    "verify-storage": (("verify-storage",), {0}),
}
CLOSED = {"stdout": ">&-", "stderr": "2>&-", "all": "<&- >&- 2>&-"}
#: Each command without any stream; with one closed, the commands that print most and those that change most.
USUAL = [
    (name, closed)
    for closed in CLOSED
    for name in COMMANDS
    if closed == "all" or name in ("add", "delete", "show")
]
OTHERS = [(name, closed) for closed in CLOSED for name in COMMANDS if (name, closed) not in USUAL]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, short_call: Call) -> Path:
    """A home with two queued recordings, to copy."""
    stage = Stage(tmp_path_factory.mktemp("template") / "home")
    files = [stage.home.with_name(name) for name in ("one.wav", "two.wav")]
    for number, path in enumerate(files, 1):
        write_wav(path, short_call.samples[: 16_000 * number])
    assert stage.offhook("add", *files).returncode == 0
    return stage.home


@pytest.fixture
def waiting(stage: Stage, template: Path) -> Stage:
    """A home with two queued recordings."""
    shutil.copytree(template, stage.home)
    return stage


def buffered(stage: Stage) -> dict[str, str]:
    """The environment of a command whose output waits in a buffer, as it does for a person."""
    return {name: value for name, value in stage.environment.items() if name != "PYTHONUNBUFFERED"}


def run(stage: Stage, closed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command with streams closed, as a shell closes them."""
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "offhook", *arguments]
    return subprocess.run(command, env=buffered(stage), capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("name", "closed"), [*USUAL, *(pytest.param(*case, marks=pytest.mark.long) for case in OTHERS)]
)
def test_a_command_without_its_streams_does_its_work(
    waiting: Stage, short_wav: Path, tmp_path: Path, name: str, closed: str
) -> None:
    places = {"file": short_wav, "folder": tmp_path / "folder", "missing": tmp_path / "missing.wav"}
    (tmp_path / "folder").mkdir()
    arguments, codes = ARGUMENTS[name]
    done = run(waiting, CLOSED[closed], *(argument.format(**places) for argument in arguments))
    assert done.returncode in codes, done.stderr
    assert "fault in offhook" not in done.stdout + done.stderr
    assert len(looks.titles(waiting.database)) == {"delete": 1, "add": 3}.get(name, 2)
    if name == "backup":
        (made,) = (tmp_path / "folder").glob("offhook-backup-*")
        assert (made / "manifest.json").is_file()


def test_a_question_without_streams_is_refused_and_nothing_is_deleted(waiting: Stage) -> None:
    assert run(waiting, CLOSED["all"], "delete", "1").returncode == 1
    assert len(looks.titles(waiting.database)) == 2


def test_a_reader_that_has_seen_enough_stops_no_work_and_is_no_error(waiting: Stage, short_wav: Path) -> None:
    offhook = f"{sys.executable} -m offhook"
    for command in ("list", "show 1", "status", f"add '{short_wav}' --json", "cancel 1 2", "list --json"):
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {offhook} {command} | true"],
            env=buffered(waiting),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (command, done.returncode, done.stdout, done.stderr) == (command, 0, "", "")
    assert [record["status"] for record in waiting.records()] == ["cancelled", "cancelled", "queued"]


def test_output_that_cannot_be_written_is_one_line_and_an_error(waiting: Stage) -> None:
    streams = {"capture_output": False, "stderr": subprocess.PIPE, "env": buffered(waiting)}
    with Path("/dev/full").open("w") as full:
        done = waiting.offhook("list", stdout=full, **streams)
    assert done.returncode == 1
    assert done.stderr == (
        "offhook: The output cannot be written: No space left on device. "
        "What the command was asked to do is done.\n"
    )


def test_a_backup_whose_messages_cannot_be_written_is_made(waiting: Stage, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = waiting.offhook(
            "backup", tmp_path / "backups", capture_output=False, stderr=full, env=buffered(waiting)
        )
    assert done.returncode == 0
    assert len(list((tmp_path / "backups").iterdir())) == 2  # the backup and its lock


@contextmanager
def closed_process(stage: Stage, module: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of offhook's processes without any standard stream."""
    command = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", module]
    process = subprocess.Popen(command, cwd=ROOT, env=stage.environment)
    try:
        yield process
    finally:
        end(process)  # type: ignore[arg-type]


def test_workers_without_streams_log_to_their_files_and_work(stage: Stage, short_wav: Path) -> None:
    with (
        closed_process(stage, "transcribe_worker") as worker,
        closed_process(stage, "transcribe_worker.inbox") as inbox,
        closed_process(stage, "capture_worker") as capture,
    ):
        stage.wait_for(lambda: len(stage.running()) == 3, "the processes")
        stage.drop(short_wav, "dropped.wav")
        assert stage.finished("dropped")["status"] == "completed"
        assert [process.poll() for process in (worker, inbox, capture)] == [None] * 3
    for kind in ("worker", "inbox", "capture"):
        assert f"{kind} started" in (stage.home / "logs" / f"{kind}.log").read_text()
    assert stage.read("doctor")
